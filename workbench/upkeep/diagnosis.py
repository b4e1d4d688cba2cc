"""Doctor: whether a workspace is whole, and what lies about in it; looks at everything and changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import psutil

from workbench import files, jobs, memory, students
from workbench.errors import BadInput, NothingToDo, WorkbenchError
from workbench.results import Result, counted
from workbench.retrieval.index import approximate
from workbench.retrieval.vector_cache import VectorCache
from workbench.steps.ship import orphans
from workbench.store import Store
from workbench.store.database import schema
from workbench.store.views import checks

State = Literal["good", "note", "bad"]
LIBRARIES = ("utility-workbench", "duckdb", "streamlit", "sentence-transformers", "transformers", "torch", "faiss-cpu")
LEAST_FREE = 1 << 30
NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "glusterfs", "ceph", "lustre", "beegfs")


class Finding(NamedTuple):
    """What was looked at, whether it is "good", worth a "note" or "bad", and what to do about it."""

    what: str
    state: State
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Diagnosis(Result):
    """What `doctor` saw of a workspace."""

    columns: ClassVar = {
        "what": "what was looked at",
        "state": "good, note or bad",
        "message": "what was seen",
        "hint": "what to do about it",
    }

    path: str
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        """Return whether nothing is bad."""
        return not any(finding.state == "bad" for finding in self.findings)

    @property
    def in_words(self) -> str:
        """Return how many things are damaged, in a sentence."""
        bad = sum(finding.state == "bad" for finding in self.findings)
        notes = sum(finding.state == "note" for finding in self.findings)
        noted = f" Worth a look: {notes:,}." if notes else ""
        return f"{self.path} is {f'damaged in {bad:,} places' if bad else 'whole'}.{noted}"

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return the findings."""
        return self.findings


def doctor(store: Store) -> Diagnosis:
    """Look whether a workspace is whole: database, students, vectors, jobs, versions, disk; change nothing.

    Parameters
    ----------
    store : Store
        The workspace.

    Returns
    -------
    Diagnosis
        What was seen, a row for each; `is_whole` says that nothing is damaged.

    Raises
    ------
    NothingToDo
        There is no workspace in its folder any more.

    Examples
    --------
    >>> diagnosis = wb.doctor(store)
    >>> diagnosis.is_whole
    True
    >>> set(diagnosis.to_frame()["state"]) <= {"good", "note"}
    True
    """
    findings = [*_database(store), *_students(store), *_vectors(store), *_jobs(store), *_left_over(store)]
    return Diagnosis(str(store.path), (*findings, *_machine(store)))


def _database(store: Store) -> Iterator[Finding]:
    try:
        Store(store.path)  # as every other verb begins: brought up to date, if it can be opened
        facts, counts = checks.facts(store), checks.read_whole(store)
        unsound = checks.unsound_annotations(store)
    except NothingToDo:
        raise
    except WorkbenchError as error:
        yield Finding("database", "bad", error.problem, error.hint)
        return
    rows = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count and name != "meta")
    versions = f"schema {facts.schema} of {len(schema.MIGRATIONS)}, storage {facts.storage}"
    yield Finding("database", "good", f"Every block was read: {rows or 'no rows'}; {versions}.")
    if facts.log:
        size = memory.in_words(facts.log)
        yield Finding("database", "note", f"A log of {size} waits to be worked in; the next write does it.")
    if unsound:
        first = ", ".join(map(repr, unsound[0]))
        message = f"Left out: {counted(len(unsound), 'annotation')} that no verb could have made, the first ({first})."
        yield Finding("annotations", "bad", message, "Export the others, and ingest them into a new workspace.")


def _students(store: Store) -> Iterator[Finding]:
    unchecked = sound = 0
    for folder in sorted(students.recipes(store.students)):
        try:
            student = students.read(folder)
        except BadInput as error:
            yield Finding("student", "bad", error.problem, error.hint)
            continue
        if changed := students.changed_files(folder, student.recipe):
            message = f"{student.name}: {', '.join(changed)} of {folder} are not the files that were saved."
            yield Finding("student", "bad", message, "Restore the folder from a copy, or remove it and train again.")
        elif students.CHECKSUMS in student.recipe:
            sound += 1
        else:
            unchecked += 1
    yield Finding("students", "good", f"{sound:,} have the files that were saved.")
    if unchecked:
        yield Finding("students", "note", f"{unchecked:,} were saved by an earlier version, without checksums.")


def _vectors(store: Store) -> Iterator[Finding]:
    known, sound = orphans.known_fingerprints(store), 0
    for folder in orphans.vector_folders(store):
        for file in VectorCache(folder).damaged():
            yield Finding(
                "vectors", "bad", f"{file} is damaged.", "Remove it; its texts are encoded again when needed."
            )
        for file in approximate.damaged(folder):
            yield Finding(
                "vectors", "bad", f"The index {file} is damaged.", "Remove it; it is built again when needed."
            )
        if alone := orphans.without_keys(folder):
            message = f"{len(alone):,} files of vectors in {folder} have no keys: a writer was killed."
            yield Finding("vectors", "note", message, "They do not count; `workbench compact` removes them.")
        if folder.name.partition("-")[0] not in known:
            message = f"{_sized(folder)} holds vectors of no student, base or run that is here."
            hint = "If they are of no model that you will name again, `workbench compact` removes it."
            yield Finding("vectors", "note", message, hint)
        sound += 1
    yield Finding("vectors", "good", f"{sound:,} folders of vectors were looked at.")


def _jobs(store: Store) -> Iterator[Finding]:
    listed = jobs.jobs(store)
    for job in listed:
        if job.state == "lost":
            hint = "Run its command again: it goes on from what was finished."
            yield Finding("job", "note", f"{job.job_id} ({job.verb}) is lost: {job.message}", hint)
    yield Finding("jobs", "good", f"{len(listed):,} jobs, {sum(job.state == 'running' for job in listed):,} running.")


def _left_over(store: Store) -> Iterator[Finding]:
    """Report what was begun and not finished: trainings that can go on, and drafts of killed writers."""
    for folder in sorted(path for path in store.students.glob(".training-*") if path.is_dir()):
        message = f"{_sized(folder)} is of a training that has not ended."
        yield Finding("training", "note", message, "The same `train` command goes on with it; else remove it.")
    for folder in sorted(path for path in store.path.rglob(".aside-*") if path.is_dir()):
        message = f"{_sized(folder)} is the draft of a writer that is at work or was killed."
        yield Finding("draft", "note", message, "If nothing is running, `workbench compact` removes it.")


def _machine(store: Store) -> Iterator[Finding]:
    versions = ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    yield Finding("versions", "good", f"Python {platform.python_version()}, {versions}.")
    free = shutil.disk_usage(store.path).free
    wanted = max(LEAST_FREE, 2 * store.database.stat().st_size)
    state: State = "good" if free >= wanted else "note"
    hint = (
        "" if free >= wanted else f"Less than {memory.in_words(wanted)} is free: make room before the next long step."
    )
    yield Finding("disk", state, f"{memory.in_words(free)} are free.", hint)
    if not os.access(store.path, os.W_OK):
        yield Finding("disk", "note", f"{store.path} is not writable.", "It can be looked at, not added to.")
    if (kind := _file_system(store.path)).startswith(NETWORK):
        hint = "Locks may not hold there: let one machine at a time use the workspace."
        yield Finding("disk", "note", f"{store.path} is on a network file system ({kind}).", hint)


def _file_system(path: Path) -> str:
    """Return the kind of file system that a folder is on; "" if nobody knows."""
    mounts = [mount for mount in psutil.disk_partitions(all=True) if path.is_relative_to(mount.mountpoint)]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else ""


def _sized(folder: Path) -> str:
    return f"{folder} ({memory.in_words(files.size_of(folder))})"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
