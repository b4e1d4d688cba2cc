"""The command that times single queries: latency."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, ModelName, Split, TeacherSettings, settings
from workbench.cli.session import Session
from workbench.steps.compare.ranking.latency import latency
from workbench.teachers import TEACHERS, teacher


def latency_command(
    context: typer.Context,
    student: Annotated[list[str], typer.Argument(help="Students to time; the teacher re-ranks the first one's.")],
    kind: Annotated[
        str, typer.Option("--teacher", help=f"Time re-ranking by this teacher too: {', '.join(TEACHERS)}.")
    ] = "",
    model: ModelName = "",
    option: TeacherSettings = None,
    depth: Annotated[int, typer.Option(min=1, help="How many passages are searched for, and re-ranked.")] = 20,
    split: Split = "test",
    queries: Annotated[int, typer.Option(min=1, help="How many queries, the first ones by id.")] = 30,
    json: Json = False,
) -> None:
    """Time single queries: search by each student, and re-ranking by a teacher, side by side in turns."""
    session: Session = context.obj
    given = {"model": model} if model else {}
    chosen = teacher(kind, **given, **settings(option)) if kind else None
    store = session.store()
    with output.progress(session.reporter):
        result = latency(store, student, chosen, depth, split, queries)
    session.message = result.in_words
    if json:
        return output.as_json(result)
    output.table(
        ("student", "median ms", "10 %", "90 %", "times faster"),
        [(*row, "" if row == result.slowest else f"{result.times_faster(row):,.0f}") for row in result.rows],
    )
    output.line(result.in_words)
