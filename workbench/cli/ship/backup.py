"""The commands that keep a workspace safe and small: backup, restore, compact."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.steps.ship.backup import backup
from workbench.steps.ship.restore import restore
from workbench.upkeep.compaction import compact


def backup_command(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="Where to: one file if it ends in .tar, else a folder.")],
    vectors: Annotated[bool, typer.Option("--vectors/--no-vectors", help="With the vectors, or without.")] = True,
    json: Json = False,
) -> None:
    """Write database, students, vectors and guidelines to one place, each with its checksum, while others go on."""
    session: Session = context.obj
    store = session.store()
    with output.progress(session.reporter) as listen:
        result = backup(store, path, vectors, listen)
    session.finish(result, result.in_words, json)


def restore_command(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder or file that `backup` wrote.")],
    json: Json = False,
) -> None:
    """Make a new workspace, which --workspace names, from a backup after checking all of it."""
    session: Session = context.obj
    with output.progress(session.reporter) as listen:
        result = restore(path, session.workspace, listen)
    session.finish(result, result.in_words, json)


def compact_command(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    json: Json = False,
) -> None:
    """Remove what nobody needs any more, such as orphaned vectors, and the gaps in the database."""
    session: Session = context.obj
    store = session.store()
    with output.progress(session.reporter):
        result = compact(store, dry_run)
    session.finish(result, result.in_words, json)
