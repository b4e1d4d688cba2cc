"""Files and folders written aside, flushed to the disk and renamed: a reader, or a crash, finds the old or the new."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO


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
    block raises, whatever was written is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder of its own, so that two writers never share a draft, and that a hidden name is all a crash leaves.
    with TemporaryDirectory(prefix=".aside-", dir=path.parent) as own:
        draft = Path(own) / path.name
        yield draft
        _flush(draft)
        if replace and path.is_dir():
            _exchange(draft, path)
        else:
            draft.replace(path)
    _flush_one(path.parent)


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
