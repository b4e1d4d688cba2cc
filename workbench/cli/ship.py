"""Commands that let a student go: take, push."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.session import Json, Session, Split
from workbench.steps.ship.export_student import RUNTIMES, ExportStudentSettings, export_student
from workbench.steps.ship.push import contents, push


def export_student_command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(help="The student, by name or folder.")],
    folder: Annotated[Path, typer.Argument(help="The folder to write; it must not exist yet.")],
    runtime: Annotated[
        list[str] | None, typer.Option(help=f"Write it for this runtime too, once or twice: {', '.join(RUNTIMES)}.")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Write each runtime's model in int8 as well.")] = False,
    split: Split = "test",
    check: Annotated[
        int, typer.Option(min=0, help="Measure the loss of quality on so many judged queries; 0: all.")
    ] = 200,
    json: Json = False,
) -> None:
    """Copy a student's folder away, for other runtimes too, and measure what they lose.

    What was measured is printed, and kept in the folder as quality.json and in its model card.
    """
    session: Session = context.obj
    store = session.store()
    settings = ExportStudentSettings(tuple(dict.fromkeys(runtime or ())), int8, split, check)
    if session.reporter:
        session.reporter.student(student)
    with output.progress(session.reporter) as listen:
        taken = export_student(store, student, folder, settings, listen)
    session.tell(taken, taken.in_words, json)


def push_command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(help="A student that was made here, or a folder that was taken away.")],
    repository: Annotated[str, typer.Argument(metavar="REPO", help="Where to, on the hub: OWNER/NAME.")],
    private: Annotated[bool, typer.Option("--private", help="Only its owner sees the repository.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Upload without asking.")] = False,
    json: Json = False,
) -> None:
    """Upload a student to the Hugging Face hub, after showing what would go where and asking.

    The hub must know you: `hf auth login`, or the variable HF_TOKEN.
    """
    session: Session = context.obj
    store = session.store()
    found = contents(store, student)
    output.note(f"{found.student} from {found.path}")
    for name, size in found.files:
        output.note(f"  {size:>14,}  {name}")
    output.note(f"to {repository} on the hub, {'private' if private else 'for everyone to see'}")
    if not yes and not typer.confirm("Check the licences on its model card. Upload?", default=False, err=True):
        return session.tell({"pushed": None}, "Nothing was uploaded.", json)
    pushed = push(found, repository, private=private)
    session.tell(pushed, pushed.in_words, json)
