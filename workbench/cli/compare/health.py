"""The command that says whether a teacher is fit to teach: health."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, LeftOut, MeasuredQueries, OptionalSplit, Relevance, TeacherTemperature
from workbench.cli.session import Session
from workbench.records import STATUSES
from workbench.steps.compare.health.figures import FIGURES
from workbench.steps.compare.health.teacher_health import HealthSettings, TeacherHealth, teacher_health
from workbench.store.views import MOST_QUERIES


def health_command(
    context: typer.Context,
    teacher: Annotated[
        str, typer.Argument(help="The teacher, by name or its beginning; the only one unless given.")
    ] = "",
    split: OptionalSplit = None,
    student: Annotated[str, typer.Option(help="The student to be taught, which was evaluated on the split.")] = "",
    other: Annotated[str, typer.Option(help="Another teacher to measure agreement with.")] = "",
    teacher_temperature: TeacherTemperature = None,
    queries: MeasuredQueries = MOST_QUERIES,
    relevance: Relevance = None,
    without_relevant: LeftOut = None,
    json: Json = False,
) -> None:
    """Look at a teacher's utilities, and say whether they are fit to teach a student, or why not.

    Figures are means over queries with their 95 % intervals: entropy, margin, ties, biases, agreement with another
    teacher and with the qrels.
    """
    session: Session = context.obj
    store = session.store(relevance=relevance, without_relevant=without_relevant)
    settings = HealthSettings(teacher_temperature, queries)
    with output.progress(session.reporter):
        result = teacher_health(store, teacher, split, settings, student, other)
    session.finish(result, result.in_words, json)
    if not json:
        _print(result)


def _print(result: TeacherHealth) -> None:
    output.table(("", "mean", "queries", ""), [(n, f"{one}", one.n, FIGURES[n]) for n, one in result.figures.items()])
    for remark in result.remarks:
        output.note(remark)
    without = ", ".join(f"{getattr(result.counts, status):,} {status}" for status in STATUSES)
    output.note(f"pairs: {result.counts.scored:,} scored, {without}; temperature {result.temperature:.3g}")
