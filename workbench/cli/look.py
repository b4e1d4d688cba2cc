"""Commands that show: cases, students, jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from workbench import jobs
from workbench.cli import output
from workbench.cli.session import Json, Session, Split
from workbench.errors import BadSetting
from workbench.steps.compare.leaderboard import leaderboard
from workbench.steps.compare.recipes import LeaderboardRow
from workbench.store import views
from workbench.store.views import RULES, Thresholds

LINES = Thresholds()


def cases_command(
    context: typer.Context,
    after: Annotated[str, typer.Argument(help="The student whose rankings are searched for hard cases.")],
    before: Annotated[str, typer.Option(help="The student it came from; needed for the rule 'got worse'.")] = "",
    teacher: Annotated[str, typer.Option(help="Whose utilities, by name or its beginning.", show_default=False)] = "",
    split: Split = "test",
    rule: Annotated[str, typer.Option(help=f"Only this rule: {', '.join(RULES)}.")] = "",
    useful: Annotated[float, typer.Option(help="'useful but far': the least utility.")] = LINES.useful,
    useless: Annotated[float, typer.Option(help="'useless but near': the most utility.")] = LINES.useless,
    far: Annotated[int, typer.Option(help="'useful but far': below this rank.")] = LINES.far,
    near: Annotated[int, typer.Option(help="'useless but near': down to this rank.")] = LINES.near,
    margin: Annotated[
        float, typer.Option(help="'confident and wrong': ahead of the second hit by this share of its similarity.")
    ] = LINES.margin,
    unjudged: Annotated[int, typer.Option(help="'unjudged but high': down to this rank.")] = LINES.unjudged,
    alike: Annotated[float, typer.Option(help="'near duplicates': the least share of words in common.")] = LINES.alike,
    apart: Annotated[
        float, typer.Option(help="'near duplicates': the least distance of their utilities.")
    ] = LINES.apart,
    json: Json = False,
) -> None:
    """List the pairs where teacher, student and qrels disagree most: what is worth a person's minute."""
    session: Session = context.obj
    if rule and rule not in RULES:
        raise BadSetting(f"There is no rule {rule!r}.", f"Rules: {', '.join(RULES)}.")
    store = session.store()
    first = views.find_run(store, before, split) if before else None
    found = views.hard_cases(
        store,
        views.find_teacher(store, teacher),
        views.find_run(store, after, split),
        first,
        Thresholds(useful, useless, far, near, margin, unjudged, alike, apart),
    )
    found = [case for case in found if not rule or rule in case.rules]
    if json:
        return output.as_json([case._asdict() | {"rules": case.rules, "why": case.why} for case in found])
    for name, number in views.rule_counts(found).items():
        if number:
            chosen = [(case, reason) for case in found for reason in case.reasons if reason.rule == name]
            rows = [(case.query_id, case.passage_id, reason.why) for case, reason in chosen[:10]]
            output.table(("query", "passage", "why"), rows, title=f"\n{name}: {number:,}")
    session.message = f"{len(found):,} hard cases"
    output.say(f"\n{session.message}. Judge them on the Annotate page, or with `workbench annotate`.")


def students_command(
    context: typer.Context,
    split: Split = "test",
    measure: Annotated[
        str, typer.Option(help="Hold each recipe against its base on this: nDCG@10, R@1, …")
    ] = "nDCG@10",
    json: Json = False,
) -> None:
    """Show every student: how it was made, how it did, and whether it is better than its base."""
    session: Session = context.obj
    found = leaderboard(session.store(), split, measure)
    session.message = found.in_words
    if json:
        return output.as_json({"summary": found.in_words, **output.jsonable(found)})
    if found.students:
        output.table(
            ("student", "seed", "on dev", "seconds", *(f"{name} on {split}" for name in found.measures)),
            [(each.student, each.seed, _dev(each), each.seconds or None, *_measured(each, found.measures))
             for each in found.students],
        )  # fmt: skip
    for each in found.recipes:
        output.say(f"\n{each.label}\n  {each.answer}")
        output.note(f"  on dev {each.dev or '–'}, seeds {', '.join(map(str, each.seeds))}, {each.seconds:.0f} s each")
    if stale := [each.student for each in found.students if each.stale]:
        output.note(f"Stale: {', '.join(stale)} searched other passages than there are now; evaluate again.")
    output.say(f"\n{found.in_words}")


def jobs_command(
    context: typer.Context,
    stop: Annotated[str, typer.Option(help="Ask this job to end; it keeps what it has finished.")] = "",
    log: Annotated[str, typer.Option(help="Print the last lines of this job.")] = "",
    json: Json = False,
) -> None:
    """List the steps that were started in the background, and how they stand."""
    session: Session = context.obj
    store = session.store()
    if stop:
        jobs.stop(store, stop)
        session.tell({"asked_to_end": stop}, f"Asked {stop} to end.", json)
    elif log:
        printed = jobs.log(store, log)
        session.tell({"job": log, "log": printed}, printed, json)
    elif json:
        output.as_json(jobs.jobs(store))
    else:
        rows = [(j.job_id, j.verb, j.state, f"{j.started:%Y-%m-%d %H:%M}", j.message) for j in jobs.jobs(store)]
        output.table(("job", "step", "state", "started", "last word"), rows)


def _dev(student: LeaderboardRow) -> str:
    if student.dev_before is None or student.dev_after is None:
        return "–"
    return f"{student.dev_measure} {student.dev_before:.3f} → {student.dev_after:.3f}"


def _measured(student: LeaderboardRow, names: Sequence[str]) -> list[str]:
    return [str(student.measures.get(name, "not evaluated")) for name in names]
