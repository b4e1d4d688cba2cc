"""One training a name at a time: a second one would write into the same folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from workbench import files
from workbench.errors import Conflict
from workbench.records import Listener, Progress

PAUSE = 0.5  # seconds between two looks whether the other training has ended


@contextmanager
def only_training(work: Path, listen: Listener, stop: Callable[[], bool]) -> Iterator[None]:
    """Hold the turn to train in a folder, waiting for another process that does; the system frees it with a process.

    The lock's file stays where it is, in `locks` beside the students: removed, it could be held twice.
    Raises Conflict if `stop` asks to end while it waits.
    """
    lock = FileLock(work.parent.with_name("locks") / f"{work.name.removeprefix('.')}.lock")
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        while not _acquired(lock):
            listen(Progress("wait", 0, 0, "", f"{work.name} is in the hands of another process, which trains it"))
            if stop():
                raise Conflict("Another process trains this student.", "Follow it with `workbench jobs`, or wait.")
    except OSError as error:
        if failure := files.write_failure(error, work):
            raise failure from error
        raise
    try:
        yield
    finally:
        lock.release()


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=PAUSE)
    except Timeout:
        return False
    return True
