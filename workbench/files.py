"""Files and folders written aside, flushed to the disk and renamed: a reader, or a crash, finds the old or the new."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from workbench.errors import WorkbenchError, WriteFailed

DRAFTS = ".aside-"  # what the names of folders begin with that files are written in before they are whole
ROOM = "Make room, and run the same command again: what was finished before is kept."
RIGHTS = "Name a place that you can write to, or get the right to write there."
# Why a disk refuses, by the number of the system's error, and what to do.
REFUSALS = {
    errno.ENOSPC: ("the disk is full", ROOM),
    errno.EDQUOT: ("the quota of the disk is used up", ROOM),
    errno.EFBIG: ("the file would be larger than this process may write (ulimit -f)", "Raise the limit."),
    errno.EROFS: ("the file system is read-only", RIGHTS),
    errno.EACCES: ("it may not be written to", RIGHTS),
    errno.EPERM: ("it may not be written to", RIGHTS),
}


def write_failure(error: BaseException, where: Path | str) -> WriteFailed | None:
    """Return an error as one that says why `where` cannot be written; None if it is about something else.

    Libraries in C++ and Rust hand on the system's words for the number.
    """
    path, number = where, error.errno if isinstance(error, OSError) else None
    if number is None and not isinstance(error, WorkbenchError):
        number = next((known for known in REFUSALS if os.strerror(known) in str(error)), None)
    if number not in REFUSALS:
        return None
    reason, hint = REFUSALS[number]
    if isinstance(error, OSError) and error.filename and DRAFTS not in os.fsdecode(error.filename):
        path = os.fsdecode(error.filename)
    return WriteFailed(f"{path} cannot be written: {reason}.", hint)


def size_of(path: Path) -> int:
    """Return how many bytes a file has, or all files in a folder; what has gone meanwhile has none."""
    size = 0
    for file in path.rglob("*") if path.is_dir() else [path]:
        with suppress(FileNotFoundError):
            size += file.stat().st_size if file.is_file() else 0
    return size


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, its line ends as they are."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file."""
    with stream(path) as file:
        file.write(content)


@contextmanager
def stream(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing; it appears when the block ends, and not at all if the block raises."""
    with aside(path) as draft, draft.open("wb") as file:
        yield file


@contextmanager
def folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Make a folder for writing files into; it appears whole when the block ends, and not at all if the block raises.

    With `replace` it takes the place of a folder that is there, which goes away only once the new one stands. Between
    these two renames a power failure leaves the former folder beside, in `.aside-*`. Without `replace`, raises OSError
    if there is a folder with anything in it.
    """
    with aside(path, replace=replace) as draft:
        draft.mkdir()
        yield draft


@contextmanager
def aside(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a free path of the same name to write a file or folder at; it is moved to `path` when the block ends.

    For libraries that write by path; parents are made. A file replaces a file; a folder only with `replace`. If the
    block raises, whatever was written is removed. Raises WriteFailed, saying why, if the disk refuses.
    """
    draft = path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own, so that two writers never share a draft, and that a hidden name is all a crash leaves.
        with TemporaryDirectory(prefix=DRAFTS, dir=path.parent) as own:
            draft = Path(own) / path.name
            yield draft
            _flush(draft)
            if replace and path.is_dir():
                _exchange(draft, path)
            else:
                draft.replace(path)
        _flush_one(path.parent)
    except WriteFailed as failure:  # of something within, whose name is the draft's
        raise WriteFailed(failure.problem.replace(str(draft), str(path)), failure.hint) from failure
    except Exception as error:
        if refused := write_failure(error, path):
            raise refused from error
        raise


def _exchange(draft: Path, path: Path) -> None:
    former = draft.with_name(f"{draft.name}-former")
    path.rename(former)
    try:
        draft.rename(path)
    except BaseException:
        former.rename(path)
        raise


def _flush(path: Path) -> None:
    """Force a file, or a folder and all within, to the disk: else a rename may outlive what it renamed."""
    for inner in path.rglob("*") if path.is_dir() else ():
        _flush_one(inner)
    _flush_one(path)


def _flush_one(path: Path) -> None:
    if os.name != "posix" and path.is_dir():  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
