"""Compact: what a workspace no longer needs is removed, and its database written anew without gaps."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import psutil

from workbench import files, jobs, memory
from workbench.results import Result
from workbench.steps.compare.searching.indexes import PREFIX
from workbench.steps.ship import orphans
from workbench.store import Store, kept, views
from workbench.store.database.connection import SPILL

# What was written or read within that time may be at work for somebody, in another container too.
AT_WORK_SECONDS = 3_600


class Removal(NamedTuple):
    """What was removed, or would be: how many files or folders of a kind, and their bytes."""

    what: str
    number: int
    size: int


@dataclass(frozen=True)
class Compaction(Result):
    """How many bytes a workspace has won, and by what; in a dry run nothing was done, and the gaps are not known."""

    columns: ClassVar = {
        "what": "what was removed",
        "number": "how many files or folders of it",
        "size": "how many bytes they had",
    }

    path: Path
    removals: tuple[Removal, ...]
    dry_run: bool = False

    @property
    def size(self) -> int:
        """Return how many bytes were won."""
        return sum(removal.size for removal in self.removals)

    @property
    def in_words(self) -> str:
        """Return how many bytes were won, and by what, in a sentence."""
        parts = ", ".join(
            f"{removal.what} {memory.in_words(removal.size)}" for removal in self.removals if removal.size
        )
        words = f"{self.size:,} bytes{f': {parts}' if parts else ''}"
        if self.dry_run:
            return f"{self.path} would lose {words}, and the gaps in its database."
        return f"{self.path} has lost {words}."

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each kind of thing."""
        return self.removals


def compact(store: Store, dry_run: bool = False) -> Compaction:
    """Remove what a workspace no longer needs, and write its database anew without the gaps of what was deleted.

    Removed are vectors of models that the workspace does not know, answers to questions and uploaded files that nobody
    has used for an hour and no running job reads, and what killed processes have left. Others may go on reading;
    who writes waits until the database is written.

    Parameters
    ----------
    store : Store
        The workspace.
    dry_run : bool
        Only say what would be removed.

    Returns
    -------
    Compaction
        What was removed, and how many bytes were won.

    Raises
    ------
    StoreBusy
        Another program holds the workspace for too long.
    WriteFailed
        There is no room for the new database beside the old one, or the place cannot be written to.

    Examples
    --------
    >>> compaction = wb.compact(store)
    >>> [removal.what for removal in compaction.removals][-1]
    'gaps in the database'
    >>> wb.doctor(store).is_whole
    True
    """
    removals = [_removed(what, paths, dry_run) for what, paths in _unused(store).items()]
    if not dry_run:
        removals.append(Removal("gaps in the database", 1, store.rewrite()))
    return Compaction(store.path, tuple(removals), dry_run)


def _unused(store: Store) -> dict[str, list[Path]]:
    """Return what the workspace does not need, by what it is."""
    vectors = orphans.vector_folders(store)
    known = orphans.known_fingerprints(store)
    orphaned = [folder for folder in vectors if folder.name.partition("-")[0] not in known]
    keyless = [file for folder in vectors if folder not in orphaned for file in orphans.without_keys(folder)]
    paths = {
        "orphaned vectors": orphaned,
        "vectors without keys": keyless,
        "kept answers": [*(store.path / kept.FOLDER).glob("*.parquet"), *(store.path / kept.FOLDER).glob("*.arrow")],
        "kept indexes of former passages": _former_indexes(store),
        "uploads": _uploads(store),
        "spilled data": list(_spilled(store)),
        "drafts": list(store.path.rglob(f"{files.DRAFTS}*")),
    }
    return {what: [path for path in of_kind if _is_at_rest(path)] for what, of_kind in paths.items()}


def _former_indexes(store: Store) -> list[Path]:
    """Return the indexes that the page Search has of passages as they were."""
    collection = views.collection_fingerprint(store)
    indexes = (store.path / kept.FOLDER).glob(f"{PREFIX}*")
    return [folder for folder in indexes if not folder.name.endswith(f"-{collection}")]


def _uploads(store: Store) -> list[Path]:
    """Return the uploaded files that no running job reads."""
    arguments = [argument for job in jobs.jobs(store) if job.state == "running" for argument in job.arguments]
    uploads = [path for path in store.uploads.glob("*") if not path.name.startswith(".")]
    return [path for path in uploads if not any(str(path) in argument for argument in arguments)]


def _spilled(store: Store) -> Iterator[Path]:
    """Yield the folders of processes that are gone, which DuckDB has spilled data to."""
    for folder in store.path.glob(f"{SPILL}*"):
        process = folder.name.removeprefix(SPILL)
        if not (process.isdecimal() and psutil.pid_exists(int(process))):
            yield folder


def _is_at_rest(path: Path) -> bool:
    """Return whether nothing of a file or folder has changed for a while."""
    inner = path.rglob("*") if path.is_dir() else ()
    try:
        changed = max((one.stat().st_mtime for one in (path, *inner)), default=0.0)
    except OSError:  # it changes right now
        return False
    return time.time() - changed > AT_WORK_SECONDS


def _removed(what: str, paths: Sequence[Path], dry_run: bool) -> Removal:
    size = sum(map(files.size_of, paths))
    for path in () if dry_run else paths:
        if path.is_dir() and not path.is_symlink():
            _remove_folder(path)
        else:
            path.unlink(missing_ok=True)
    return Removal(what, len(paths), size)


def _remove_folder(folder: Path) -> None:
    """Remove a folder, out of sight first: half of one that is killed meanwhile would count as a whole one."""
    aside = folder.with_name(f"{files.DRAFTS}{os.getpid()}-{folder.name}")
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
