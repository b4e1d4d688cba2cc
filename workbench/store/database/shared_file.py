"""A database file as the threads of a process share it: attached once, for as long as any of them works on it.

A POSIX lock belongs to the process and goes with the first handle that is closed. Were a second thread to open and
close the file by itself, other processes could write beside us, and lose rows; so threads share one handle.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from typing import NamedTuple

from filelock import FileLock, Timeout

from workbench.errors import StoreBusy

# Seconds for which threads join one another while another process waits for the file; and for which they then leave it
# to that process, which looks at least each 0.05.
TURN, GAP = 0.25, 0.1
POLL = 0.05
# Who waits for a file that another process has, holds a lock on a file of this name beside it.
WAITING = ".workbench-waiting"


@dataclass
class User:
    """A thread that works on the file: how often it holds it, whether it writes, and since when."""

    name: str
    writes: bool
    since: float
    depth: int = 1


class _Turn(NamedTuple):
    """A thread that waits for its turn, and whether it will write."""

    thread: int
    writes: bool


class SharedFile:
    """Who of a process's threads works on a database file; the first one attaches it, the last one detaches it.

    Readers work side by side, and beside one writer: DuckDB shows them what was committed before. Writers come one at a
    time, in the order in which they asked; a file that is attached for reading alone is left to them by all. A reader
    who keeps writers out takes its turn among them.
    """

    def __init__(self, database: Path, attach: Callable[[bool, float], str], detach: Callable[[str], None]) -> None:
        self.database = database
        self._attach, self._detach = attach, detach
        self._changed = threading.Condition()
        self._users: dict[int, User] = {}
        self._queue: deque[_Turn] = deque()  # threads that wait to write, or to keep writers out
        self._changer = ""  # the thread that attaches or detaches the file now
        self._name = ""  # by which statements call the attached file
        self._writable = self._spoilt = False
        self._since = self._free_from = 0.0

    @contextmanager
    def held(self, writes: bool, deadline: float, *, in_turn: bool) -> Iterator[str]:
        """Hold the file for the block, and yield its name in statements; raises StoreBusy, naming who holds it.

        A reader `in_turn` waits as writers do, and attaches the file anew, for reading alone: nobody writes beside it.
        """
        me = get_ident()
        if me in self._users:
            self._users[me].depth += 1
        else:
            self._enter(me, writes, deadline, in_turn)
        try:
            yield self._name
        finally:
            self._users[me].depth -= 1
            if not self._users[me].depth:
                self._leave(me)

    def spoil(self) -> None:
        """Let nobody join: the instance that the file is attached to refuses all further work."""
        with self._changed:
            self._spoilt = bool(self._name)

    def _enter(self, me: int, writes: bool, deadline: float, in_turn: bool) -> None:
        user = User(threading.current_thread().name, writes, time.monotonic())
        with self._changed:
            if in_turn:
                self._queue.append(_Turn(me, writes))
            try:
                while not ((joins := self._may_join(me, writes, in_turn)) or self._may_attach(me, in_turn)):
                    if (left := deadline - time.monotonic()) <= 0:
                        raise self._busy()
                    self._changed.wait(min(left, POLL))
            finally:
                if in_turn:
                    self._queue.remove(_Turn(me, writes))
            user.since = time.monotonic()
            if joins:
                self._users[me] = user
                return
            self._changer = user.name
        name = ""
        try:
            name = self._attach(writes, deadline)
        finally:
            with self._changed:
                self._changer, self._name, self._writable = "", name, writes
                self._since, self._spoilt = time.monotonic(), False
                if name:
                    self._users[me] = user
                self._changed.notify_all()

    def _leave(self, me: int) -> None:
        with self._changed:
            user = self._users.pop(me)
            if self._users:
                self._changed.notify_all()
                return
            self._changer, name, self._name = user.name, self._name, ""
        try:
            self._detach(name)
        finally:
            with self._changed:
                self._changer = ""
                if is_wanted(self.database):
                    self._free_from = time.monotonic() + GAP
                self._changed.notify_all()

    def _may_join(self, me: int, writes: bool, in_turn: bool) -> bool:
        """Return whether a thread may work on the file as it is attached now."""
        if not self._name or self._spoilt or (in_turn and not writes):
            return False
        if writes and not (
            self._writable and self._queue[0].thread == me and not any(u.writes for u in self._users.values())
        ):
            return False
        if not writes and self._queue and not (self._writable and self._queue[0].writes):
            return False
        return time.monotonic() - self._since < TURN or not is_wanted(self.database)

    def _may_attach(self, me: int, in_turn: bool) -> bool:
        """Return whether it is a thread's turn to attach the file, which nobody uses."""
        free = not (self._name or self._changer) and time.monotonic() >= self._free_from
        return free and (self._queue[0].thread == me if in_turn else not self._queue)

    def _busy(self) -> StoreBusy:
        """Return the error that names the thread which has the file, the longest if there are several."""
        if not self._users:
            who = f"thread {self._changer!r} of this process" if self._changer else "another process, whose turn it is"
            return StoreBusy(f"{self.database} is kept busy by {who}.", "Let it finish, and try again.")
        user = min(self._users.values(), key=lambda user: user.since)
        seconds = time.monotonic() - user.since
        return StoreBusy(
            f"{self.database} is kept busy by thread {user.name!r} of this process, which has been "
            f"{'writing' if user.writes else 'reading'} for {seconds:.1f} s.",
            "Let it finish, and try again.",
        )


def is_wanted(database: Path) -> bool:
    """Return whether another process waits for a file that this one has."""
    if not (place := database.with_name(WAITING)).exists():
        return False
    lock = FileLock(place)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # where nothing may be written, nobody waits to write
        return False
    lock.release()
    return False


@contextmanager
def waiting(database: Path) -> Iterator[None]:
    """Let other processes know within the block that this one waits for a file which they have."""
    lock = FileLock(database.with_name(WAITING))
    with suppress(Timeout, OSError):  # another one says so already; or nothing may be written here
        lock.acquire(timeout=0)
    try:
        yield
    finally:
        lock.release()
