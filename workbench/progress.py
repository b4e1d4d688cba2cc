"""How far a long step is: how fast it goes, how long the rest will take, and the lines that say so."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from workbench.records import Listener, Progress, silent

LINE_SECONDS = 5.0  # how often a line is printed about a step
QUICK_SECONDS = 1.0  # what is done by then is not worth a line
REPORTED_EACH = 50_000  # items that are only counted, between two reports

Item = TypeVar("Item")
_listener: ContextVar[Listener] = ContextVar("listener", default=silent)


class Pace(NamedTuple):
    """How many units a second a step does, and how many seconds the rest will take; None while nobody knows."""

    rate: float | None = None
    seconds_left: float | None = None


NO_PACE = Pace()


@contextmanager
def listening(listen: Listener) -> Iterator[None]:
    """Hear within a block of the progress of verbs that have no parameter for it, such as `wb.diff` and `wb.export`.

    Parameters
    ----------
    listen : Listener
        Called with the progress of whatever takes longer than a moment.

    Returns
    -------
    context manager
        Within its block `listen` is called, after it no more.

    Raises
    ------
    WorkbenchError
        Whatever is raised within the block.

    Examples
    --------
    >>> with wb.listening(wb.ProgressLines()):
    ...     diff = wb.diff(store, base, "student")
    """
    token = _listener.set(listen)
    try:
        yield
    finally:
        _listener.reset(token)


def listener() -> Listener:
    """Return who is called with progress here; `silent` outside of `listening`."""
    return _listener.get()


def tracked(items: Collection[Item], step: str, unit: str) -> Iterator[Item]:
    """Yield items, and report between them how many are done, once that takes longer than a moment."""
    listen, started = listener(), time.monotonic()
    for done, item in enumerate(items):
        if time.monotonic() - started > QUICK_SECONDS:
            listen(Progress(step, done, len(items), unit))
        yield item
    if time.monotonic() - started > QUICK_SECONDS:
        listen(Progress(step, len(items), len(items), unit))


def reporting(items: Iterable[Item], step: str, unit: str, note: str = "") -> Iterator[Item]:
    """Yield items, and report now and then how many there were: for those whose number nobody knows before."""
    listen = listener()
    for number, item in enumerate(items):
        if number and number % REPORTED_EACH == 0:
            listen(Progress(step, number, 0, unit, note))
        yield item


@dataclass
class _Start:
    """When a step was first reported and how far it was then; `done` and `total` are those of the last report."""

    moment: float
    done_then: int
    done: int
    total: int


class Stopwatch:
    """Times the steps of a verb from their reports; a step that starts anew is timed anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._starts: dict[str, _Start] = {}

    def pace(self, at: Progress) -> Pace:
        """Return how fast the step of a report has been since its first one."""
        now, start = self._clock(), self._starts.get(at.step)
        if start is None or at.done < start.done or at.total != start.total:
            self._starts[at.step] = _Start(now, at.done, at.done, at.total)
            return NO_PACE
        start.done = at.done
        elapsed, done = now - start.moment, at.done - start.done_then
        if elapsed <= 0 or done <= 0:
            return NO_PACE
        rate = done / elapsed
        return Pace(rate, (at.total - at.done) / rate if at.total > at.done else None)


class ProgressLines:
    """A listener that prints a line at the start of each step, at its end, and every few seconds in between.

    In a notebook: `wb.score(store, teacher, listen=wb.ProgressLines())`.
    """

    def __init__(self, write: Callable[[str], object] = print, seconds: float = LINE_SECONDS) -> None:
        self._write, self._seconds = write, seconds
        self._stopwatch = Stopwatch()
        self._printed: dict[str, float] = {}

    def __call__(self, at: Progress) -> None:
        """Print how far a step is, unless that was printed a moment ago."""
        pace, now = self._stopwatch.pace(at), time.monotonic()
        finished = bool(at.total) and at.done >= at.total
        if finished or now - self._printed.get(at.step, -self._seconds) >= self._seconds:
            self._printed[at.step] = now
            self._write(f"  {at.step}: {in_words(at, pace)}")


def in_words(at: Progress, pace: Pace) -> str:
    """Return how far a step is: "12,345 of 163,194 pairs, 2,350 a second, 64 s left"."""
    parts = [f"{at.done:,} of {at.total:,} {at.unit}" if at.total else f"{at.done:,} {at.unit}"]
    if pace.rate:
        parts.append(rate_in_words(pace.rate))
    left = pace.seconds_left if at.seconds_left is None else at.seconds_left
    if left is not None:
        parts.append(f"{duration(left)} left")
    return ", ".join(parts) + (f"; {at.note}" if at.note else "")


def rate_in_words(rate: float) -> str:
    """Return how many a second there are; of slow ones, how many a minute or an hour."""
    for seconds, name in ((1, "a second"), (60, "a minute")):
        if rate * seconds >= 1:
            return f"{rate * seconds:,.{0 if rate * seconds >= 10 else 1}f} {name}"
    return f"{rate * 3_600:,.1f} an hour"


def duration(seconds: float, decimals: int = 0) -> str:
    """Return a length of time as people read it; seconds with so many decimals."""
    if seconds < 90:
        return f"{seconds:.{decimals}f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"
