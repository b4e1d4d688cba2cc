"""The command that uploads a student to the hub: push."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.steps.ship.push import files_to_push, push


def push_command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(help="A student that was trained here, or the folder of an exported one.")],
    repository: Annotated[str, typer.Argument(metavar="REPO", help="The repository on the hub: OWNER/NAME.")],
    private: Annotated[bool, typer.Option("--private", help="Only its owner sees the repository.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Upload without asking.")] = False,
    json: Json = False,
) -> None:
    """Upload a student to the Hugging Face hub, after listing the files and asking.

    The hub must know you: `hf auth login`, or the variable HF_TOKEN.
    """
    session: Session = context.obj
    store = session.store()
    upload = files_to_push(store, student)
    output.note(f"{upload.student} from {upload.path}")
    for name, size in upload.files:
        output.note(f"  {size:>14,}  {name}")
    output.note(f"to {repository} on the hub, {'private' if private else 'for everyone to see'}")
    if not yes and not typer.confirm("Check the licences on its model card. Upload?", default=False, err=True):
        return session.finish({"pushed": None}, "Nothing was uploaded.", json)
    pushed = push(upload, repository, private=private)
    session.finish(pushed, pushed.in_words, json)
