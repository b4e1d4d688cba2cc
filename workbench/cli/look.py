"""Commands that show and judge: cases, annotate, students, jobs."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from workbench import jobs, students
from workbench.cli import output
from workbench.cli.session import Json, Session, Split
from workbench.errors import BadSetting
from workbench.records import Verdict
from workbench.steps.annotate import annotate
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
        Thresholds(useful=useful, useless=useless, far=far, near=near),
    )
    found = [case for case in found if rule in ("", case.rule)]
    if json:
        return output.as_json(found)
    for name in RULES:
        of_rule = [case for case in found if case.rule == name]
        if of_rule:
            rows = [(case.query_id, case.passage_id, case.why) for case in of_rule[:10]]
            output.table(("query", "passage", "why"), rows, title=f"\n{name}: {len(of_rule):,}")
    session.message = f"{len(found):,} hard cases"
    output.say(f"\n{session.message}. Judge them on the Annotate page, or with `workbench annotate`.")


def annotate_command(
    context: typer.Context,
    query_id: Annotated[str, typer.Argument(help="The query's id.")],
    passage_id: Annotated[str, typer.Argument(help="The passage's id.")],
    verdict: Annotated[str, typer.Argument(help=f"One of {', '.join(get_args(Verdict))}.")],
    annotator: Annotated[str, typer.Option(envvar="USER", help="Who says so.")] = "",
    note: Annotated[str, typer.Option(help="Why, in your own words.")] = "",
    json: Json = False,
) -> None:
    """Write down a verdict on how useful a passage is for a query. A later verdict follows it, none is lost."""
    session: Session = context.obj
    made = annotate(session.store(), query_id, passage_id, verdict, annotator, note=note)  # type: ignore[arg-type]
    session.tell(made, f"{made.annotator}: {made.passage_id} is {made.verdict} for {made.query_id}", json)


def students_command(context: typer.Context, json: Json = False) -> None:
    """List the students that this workspace holds, and how each was made."""
    session: Session = context.obj
    found = students.trained(session.store().students)
    if json:
        return output.as_json([{"path": one.path, **one.recipe, "name": one.name} for one in found])
    rows = [(one.name, one.base, one.recipe.get("teacher", ""), one.recipe.get("loss", ""), _dev(one)) for one in found]
    output.table(("student", "base", "teacher", "loss", "on dev"), rows)


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


def _dev(student: students.Student) -> str:
    outcome = student.recipe.get("outcome")
    return f"{outcome['measure']} {outcome['dev_before']:.3f} → {outcome['dev_after']:.3f}" if outcome else ""
