"""The command that copies a student for other runtimes: export-student."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Split
from workbench.cli.session import Session
from workbench.steps.ship.export_student import RUNTIMES, ExportStudentSettings, export_student


def export_student_command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(help="The student, by name or folder.")],
    folder: Annotated[Path, typer.Argument(help="The folder to write; it must not exist yet.")],
    runtime: Annotated[
        list[str] | None, typer.Option(help=f"Write it for this runtime too; can be repeated: {', '.join(RUNTIMES)}.")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Write each runtime's model in int8 as well.")] = False,
    split: Split = "test",
    check: Annotated[
        int, typer.Option(min=0, help="Judged queries on which the conversion loss is measured; 0: all.")
    ] = 200,
    json: Json = False,
) -> None:
    """Copy a student's folder, for other runtimes too, and measure the conversion loss.

    The measurements are printed, and written to the folder as quality.json and to its model card.
    """
    session: Session = context.obj
    store = session.store()
    settings = ExportStudentSettings(tuple(dict.fromkeys(runtime or ())), int8, split, check)
    if session.reporter:
        session.reporter.student(student)
    with output.progress(session.reporter) as listen:
        exported = export_student(store, student, folder, settings, listen)
    session.finish(exported, exported.in_words, json)
