"""The command that lets a teacher put first passages in order: rerank."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, ModelName, Split, TeacherSettings, settings
from workbench.cli.session import Session
from workbench.steps.teach.rerank import rerank
from workbench.teachers import TEACHERS, teacher


def rerank_command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(help="The first stage: a student that was evaluated; `bm25` is one too.")],
    kind: Annotated[str, typer.Option("--teacher", help=f"Which teacher: {', '.join(TEACHERS)}.")] = "lexical",
    model: ModelName = "",
    option: TeacherSettings = None,
    depth: Annotated[int, typer.Option(min=1, help="How many of the first passages are put in another order.")] = 20,
    split: Split = "test",
    json: Json = False,
) -> None:
    """Let a teacher put a student's first passages in order, and measure that as a student of its own.

    The teacher is asked for the utilities that are missing. From those that are there,
    `workbench evaluate rerank:TEACHER@20/STUDENT` does the same and asks nobody.
    """
    session: Session = context.obj
    given = {"model": model} if model else {}
    chosen = teacher(kind, **given, **settings(option))
    store = session.store()
    with output.progress(session.reporter) as listen:
        evaluation = rerank(store, student, chosen, depth, split, listen)
    session.finish(evaluation, evaluation.in_words, json)
