"""Score: ask a teacher for the utilities that are missing, and keep each batch as it is finished."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from workbench.errors import NothingToDo
from workbench.records import Failure, Listener, Progress, Scored, Unit, silent
from workbench.store import Store, views
from workbench.teachers import Teacher

WINDOW = 256  # queries handed to a teacher at once: enough to sort by length, small enough to hold
KEEP_ROWS = 4096  # pairs a commit carries at least, unless
KEEP_SECONDS = 10.0  # this much time has gone since the last one


@dataclass(frozen=True)
class ScoreResult:
    """What one call to `score` added; `remaining` pairs are still unscored if it was interrupted."""

    teacher: str
    queries: int
    pairs: int
    failures: int
    remaining: int
    seconds: float
    interrupted: bool

    @property
    def rate(self) -> float:
        """Return pairs per second."""
        return self.pairs / self.seconds if self.seconds else 0.0


def score(
    store: Store,
    teacher: Teacher,
    split: str | None = None,
    limit: int | None = None,
    listen: Listener = silent,
) -> ScoreResult:
    """Score every candidate that `teacher` has not scored, of a split or of all, of its first `limit` queries.

    Ctrl-C ends it after the batch at hand is kept; run it again and it goes on where it was.
    """
    if not views.counts(store).candidates:
        raise NothingToDo("There are no candidates to score.", "Run `workbench candidates` first.")
    started = time.monotonic()
    teacher.prepare(views.passages(store))
    wanted = views.unscored(store, teacher.name, split, limit)
    keeper = _Keeper(store, teacher.unit, sum(pairs for _, pairs in wanted), listen)
    interrupted = False
    try:
        for start in range(0, len(wanted), WINDOW):
            window = [query_id for query_id, _ in wanted[start : start + WINDOW]]
            for batch in teacher.utilities(views.groups(store, teacher.name, window)):
                keeper.take(batch)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        keeper.keep()
    return ScoreResult(
        teacher=teacher.name,
        queries=len(keeper.queries),
        pairs=keeper.done,
        failures=keeper.failures,
        remaining=keeper.total - keeper.done,
        seconds=time.monotonic() - started,
        interrupted=interrupted,
    )


@dataclass
class _Keeper:
    """Gathers finished batches and commits them a few hundred at a time."""

    store: Store
    unit: Unit
    total: int
    listen: Listener
    done: int = 0
    failures: int = 0
    queries: set[str] = field(default_factory=set)
    waiting: list[Scored] = field(default_factory=list)
    kept: float = field(default_factory=time.monotonic)

    def take(self, batch: list[Scored]) -> None:
        self.waiting.extend(batch)
        if len(self.waiting) >= KEEP_ROWS or time.monotonic() - self.kept > KEEP_SECONDS:
            self.keep()

    def keep(self) -> None:
        if self.waiting:
            self.store.add_scored(self.waiting, self.unit)
        self.done += len(self.waiting)
        self.failures += sum(isinstance(row, Failure) for row in self.waiting)
        self.queries.update(row.query_id for row in self.waiting)
        self.waiting, self.kept = [], time.monotonic()
        self.listen(Progress("score", self.done, self.total, "pairs"))
