"""The command that lists hard cases: cases."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Relevance, Split, TeacherName
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.results import counted
from workbench.store import views
from workbench.store.views import RULES, Part, Thresholds, known_thresholds

_THRESHOLDS = "; ".join(f"{name}={t.default:g} ({t.help.rstrip('.')})" for name, t in known_thresholds().items())
SHOWN = 10  # cases of each rule


def cases_command(
    context: typer.Context,
    after: Annotated[str, typer.Argument(help="The student whose rankings are searched for hard cases.")],
    before: Annotated[str, typer.Option(help="The student it came from; needed for the rule 'got worse'.")] = "",
    teacher: TeacherName = "",
    split: Split = "test",
    rule: Annotated[str, typer.Option(help=f"Only this rule: {', '.join(RULES)}.")] = "",
    thresholds: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"A threshold; defaults for nats, other units have their own: {_THRESHOLDS}."),
    ] = None,
    queries: Annotated[
        int | None, typer.Option(min=1, help="Search no more than so many queries, drawn evenly.")
    ] = None,
    relevance: Relevance = None,
    json: Json = False,
) -> None:
    """List the pairs that a rule of hard cases selects: where teacher, student and qrels disagree most."""
    session: Session = context.obj
    if rule and rule not in RULES:
        raise BadSetting(f"There is no rule {rule!r}.", f"Rules: {', '.join(RULES)}.")
    store = session.store(relevance=relevance)
    run, run_before = views.find_run(store, after, split), views.find_run(store, before, split) if before else None
    named_teacher = views.teacher_of_cases(store, teacher, rule)
    if not named_teacher:
        left_out = ", ".join(name for name, entry in RULES.items() if entry.needs_utilities)
        output.note(f"No teacher has scored anything yet: left out are the rules that need utilities, {left_out}.")
    asked = (store, named_teacher, run, run_before, Thresholds.parse(thresholds or ()))
    with output.progress(session.reporter):
        if json:
            cases = views.stream_hard_cases(*asked, Part(rule, queries=queries))
            return output.as_json_list(case._asdict() | {"rules": case.rules, "why": case.why} for case in cases)
        counts = views.case_counts(*asked, Part(queries=queries))
    for name, number in counts.rules.items():
        if number and rule in ("", name):
            first = views.hard_cases(*asked, Part(name, SHOWN, queries))
            rows = [
                (case.query_id, case.passage_id, reason.why)
                for case in first
                for reason in case.reasons
                if reason.rule == name
            ]
            output.table(("query", "passage", "why"), rows, title=f"\n{name}: {number:,}. {RULES[name].meaning}")
    number = counts.rules[rule] if rule else counts.cases
    session.message = counted(number, "hard case")
    following = (
        "Judge them on the Annotate page, or with `workbench annotate`." if number else "Thresholds move with --set."
    )
    output.line(f"\n{session.message}. {following}")
