"""The command that copies the database: snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session


def snapshot_command(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")],
    json: Json = False,
) -> None:
    """Copy the database to a file, consistent, while others go on using it. Never copy it by hand."""
    session: Session = context.obj
    store = session.store()
    with output.progress(session.reporter):
        copy = store.snapshot(path)
    session.finish({"snapshot": copy}, f"Snapshot in {copy}", json)
