"""Backup: a workspace's facts, students and vectors in one place that can be checked, while others go on using it."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from workbench import files, memory
from workbench.errors import BadSetting, Conflict
from workbench.records import Listener, Progress, silent
from workbench.results import counted
from workbench.steps.ship.backup_files import (
    DATABASE,
    MANIFEST,
    TAR,
    FolderWriter,
    Manifest,
    SavedFile,
    TarWriter,
    WorkspaceFiles,
    Writer,
)
from workbench.store import Store
from workbench.store.views import checks


@dataclass(frozen=True)
class Backup(WorkspaceFiles):
    """A backup that was written: how many files and bytes, whether with vectors, and the rows of each table."""

    @property
    def in_words(self) -> str:
        """Return what was written, in a sentence."""
        vectors = "" if self.vectors else ", without vectors"
        return (
            f"Backup in {self.path}: {counted(self.files, 'file')}, {memory.in_words(self.size)}{vectors}. "
            "`workbench restore` makes a workspace of it."
        )


def backup(store: Store, path: Path | str, vectors: bool = True, listen: Listener = silent) -> Backup:
    """Write a workspace's database, students, vectors and guidelines to a folder or file, each with its checksum.

    Others may go on using the workspace: the database is copied as it is at one moment, students and vectors after it.
    Left out is what can be made again or belongs to this machine: exports, uploads, jobs, and trainings under way.

    Parameters
    ----------
    store : Store
        The workspace.
    path : Path or str
        Where to write it, outside of the workspace: one file if the name ends in ".tar", else a folder. It must not
        exist yet.
    vectors : bool
        Whether vectors go with it; without them texts are encoded again when they are needed.
    listen : Listener
        Is called with the progress.

    Returns
    -------
    Backup
        What was written.

    Raises
    ------
    Conflict
        There is something at `path` already, or a student was removed meanwhile.
    BadSetting
        `path` is within the workspace.
    StoreBusy
        Another program holds the workspace for too long.
    WriteFailed
        The disk is full, or the place cannot be written to.

    Examples
    --------
    >>> wb.backup(store, "copy.tar").rows["queries"]
    24
    >>> wb.restore("copy.tar", "restored").rows["queries"]
    24
    """
    target = Path(path).expanduser().resolve()
    if target.exists():
        raise Conflict(f"{target} exists already.", "Choose a name that is free; a backup overwrites nothing.")
    if target.is_relative_to(store.path):
        raise BadSetting(f"{target} is within the workspace.", "Choose a place that is not lost together with it.")
    with _writer(target) as (writer, place):
        store.snapshot(place / DATABASE)
        facts, rows = _database(place)
        sources = {DATABASE: place / DATABASE, **_sources(store, vectors)}
        saved: dict[str, SavedFile] = {}
        for name, source in sources.items():
            listen(Progress("copy", len(saved), len(sources), "files"))
            if (file := _add(writer, name, source)) is not None:
                saved[name] = file
        created = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(version("utility-workbench"), facts.schema, created, vectors, rows, saved)
        files.write_text(place / MANIFEST, manifest.to_json())
        writer.add(MANIFEST, place / MANIFEST)
    listen(Progress("copy", len(sources), len(sources), "files"))
    return Backup(target, len(saved), manifest.size, vectors, rows)


@contextmanager
def _writer(target: Path) -> Iterator[tuple[Writer, Path]]:
    """Yield what writes the backup, and a folder for what is first made; nothing appears before all is written."""
    if target.suffix == TAR:
        with files.aside(target) as draft, tarfile.open(draft, "w", format=tarfile.PAX_FORMAT) as tar:
            yield TarWriter(tar), draft.parent
    else:
        with files.folder(target) as draft:
            yield FolderWriter(draft), draft


def _database(folder: Path) -> tuple[checks.DatabaseFacts, dict[str, int]]:
    """Read a copied database whole, and return what it says of itself and the counts of its rows."""
    copied = Store(folder, opened=False)
    return checks.facts(copied), checks.read_whole(copied)


def _sources(store: Store, vectors: bool) -> dict[str, Path]:
    """Return the files that are copied, by their paths in the workspace; hidden ones are drafts."""
    # Beside the folders of vectors it is noted whose vectors are a student's too, and which precision was chosen.
    of_vectors = _visible(store.vectors, "**/*" if vectors else "*")
    paths = [store.guidelines, *_visible(store.students, "**/*"), *of_vectors]
    return {path.relative_to(store.path).as_posix(): path for path in paths if path.is_file()}


def _visible(folder: Path, pattern: str) -> list[Path]:
    paths = sorted(folder.glob(pattern))
    return [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _add(writer: Writer, name: str, source: Path) -> SavedFile | None:
    """Copy a file; None for vectors that have gone meanwhile, which can be made again."""
    try:
        return writer.add(name, source)
    except FileNotFoundError as error:
        if name.startswith("vectors/"):
            return None
        raise Conflict(f"{source} was removed meanwhile.", "Run `workbench backup` again.") from error
