"""The command that uploads a student to the hub: push."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.steps.ship.push import contents, push


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
