"""The command that says what more scored queries bring: learning-curve."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, TeacherName, settings
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.steps.teach.learning_curve import learning_curve
from workbench.trainer import Grid


def learning_curve_command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(help="The student to start from, by name or folder.")] = DEFAULT_STUDENT,
    teacher: TeacherName = "",
    sizes: Annotated[
        str,
        typer.Option(help="Numbers of scored queries: `100,200,400`. An eighth, a quarter, a half and all of them."),
    ] = "",
    option: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the trainings: `--set steps=100`.")
    ] = None,
    split: Annotated[str, typer.Option(help="The split to compare on.")] = "dev",
    json: Json = False,
) -> None:
    """Train a student on ever more scored queries, and say whether more labels of the teacher would help.

    Run it again to go on where it stopped: what is trained already is not trained again.
    """
    session: Session = context.obj
    (chosen,) = Grid({}, usual=settings(option)).settings()  # a mistake is reported before the workspace is opened
    store = session.store()
    with output.progress(session.reporter):
        result = learning_curve(store, student, teacher, chosen, _numbers(sizes), split)
    session.finish(result, result.in_words, json)
    if not json:
        output.table(list(result.columns), list(result.table_rows()))


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")] if text else []
    except ValueError as error:
        raise BadSetting(f"--sizes {text} is not a list of whole numbers.", "Example: --sizes 100,200,400") from error
