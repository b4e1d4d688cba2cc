"""Restore: a workspace from a backup whose every file is what was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench import files, memory
from workbench.errors import BadInput, Conflict, StoreVersion
from workbench.records import Listener, Progress, silent
from workbench.steps.ship.backup_files import (
    Manifest,
    Opener,
    WorkspaceFiles,
    copy_file,
    damaged_files,
    opened,
    read_manifest,
)
from workbench.store import Store
from workbench.store.database import schema
from workbench.store.views import checks

NAMED = 5  # damaged files in a message


@dataclass(frozen=True)
class Restored(WorkspaceFiles):
    """A workspace that was made from a backup: how many files and bytes, and the rows of each table."""

    @property
    def in_words(self) -> str:
        """Return what was restored, in a sentence."""
        vectors = "" if self.vectors else "; the backup has no vectors, texts are encoded again when needed"
        return f"Workspace in {self.path}: {self.files:,} files, {memory.in_words(self.size)}, all as saved{vectors}."


def restore(backup: Path | str, path: Path | str, listen: Listener = silent) -> Restored:
    """Make a workspace from a backup, after every file of it was read and is what was written.

    The workspace appears whole or not at all. A backup of an earlier version is brought up to date.

    Parameters
    ----------
    backup : Path or str
        The folder or file that `backup` wrote.
    path : Path or str
        The folder of the new workspace; nothing may be in it yet.
    listen : Listener
        Is called with the progress.

    Returns
    -------
    Restored
        The workspace's folder, and what is in it.

    Raises
    ------
    BadInput
        This is no backup, or files of it are damaged or missing: they are named.
    Conflict
        There is something at `path` already.
    StoreVersion
        The backup was written by a newer version.
    WriteFailed
        The disk is full, or the place cannot be written to.

    Examples
    --------
    >>> backup = wb.backup(store, "copy", vectors=False)
    >>> restored = wb.restore("copy", "elsewhere")
    >>> restored.rows == backup.rows
    True
    >>> len(wb.views.runs(wb.Store(restored.path)))
    3
    """
    source, target = Path(backup).expanduser().resolve(), Path(path).expanduser().resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(f"{target} exists already.", "Name a new folder: a workspace is never written over.")
    if not source.exists():
        raise BadInput("There is no such file or folder.", source)
    with opened(source) as open_file:
        manifest = read_manifest(open_file, source)
        if manifest.schema > len(schema.MIGRATIONS):
            raise StoreVersion(f"{source} was written by a newer workbench.", "Restore it with that one.")
        if damaged := damaged_files(open_file, manifest):
            raise _damage(source, damaged)
        with files.folder(target) as draft:
            _copy(open_file, manifest, draft, source, listen)
            if checks.read_whole(Store(draft, opened=False)) != manifest.rows:
                raise _damage(source, ["the rows of the database"])
            Store(draft)  # brought up to date
    return Restored(target, len(manifest.files), manifest.size, manifest.vectors, manifest.rows)


def _copy(open_file: Opener, manifest: Manifest, folder: Path, source: Path, listen: Listener) -> None:
    """Copy every file of a backup, and compare it once more."""
    for number, (name, file) in enumerate(manifest.files.items()):
        listen(Progress("copy", number, len(manifest.files), "files"))
        if copy_file(open_file, name, folder / name) != file:
            raise _damage(source, [name])
    listen(Progress("copy", len(manifest.files), len(manifest.files), "files"))


def _damage(source: Path, names: Sequence[str]) -> BadInput:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return BadInput(
        f"Damaged or missing: {', '.join(names[:NAMED])}{more}.",
        source,
        hint="Nothing was written; use another backup.",
    )
