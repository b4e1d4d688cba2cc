"""Score: ask a teacher for the utilities that are missing, and keep each batch as it is finished."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from workbench.errors import NothingToDo
from workbench.records import Failure, Listener, Progress, Scored, Unit, silent
from workbench.results import Result
from workbench.store import Store, views
from workbench.teachers import Teacher

WINDOW = 256  # queries handed to a teacher at once: enough to sort by length, small enough to hold
COMMIT_ROWS = 4096  # pairs of a commit at least, unless
COMMIT_SECONDS = 10.0  # this much time has passed since the last one


@dataclass(frozen=True)
class ScoreResult(Result):
    """What one call to `score` added; `remaining` pairs are still unscored if it was interrupted."""

    columns: ClassVar = {
        "teacher": "full name of the teacher",
        "queries": "queries with a pair that was scored",
        "pairs": "pairs that the teacher was asked about",
        "failures": "pairs among them that it could not score",
        "remaining": "pairs that are still unscored",
        "seconds": "seconds that it took",
    }
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

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence."""
        words = (
            f"{self.teacher}: {self.pairs:,} pairs of {self.queries:,} queries scored in {self.seconds:.1f} s "
            f"({self.rate:,.0f} a second), {self.failures:,} failed"
        )
        rest = f"; stopped with {self.remaining:,} to go, which the same command takes up" if self.interrupted else ""
        return f"{words}{rest}."

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return one row: the numbers of this call."""
        return [(self.teacher, self.queries, self.pairs, self.failures, self.remaining, self.seconds)]


def score(
    store: Store,
    teacher: Teacher,
    split: str | None = None,
    limit: int | None = None,
    listen: Listener = silent,
) -> ScoreResult:
    """Score every candidate that a teacher has not scored yet.

    Ctrl-C ends it after the batch at hand is committed; called again, it goes on where it was.

    Parameters
    ----------
    store : Store
        The workspace.
    teacher : Teacher
        Who gives the utilities, as `wb.teacher` makes one.
    split : str, optional
        Only the candidates of this split's queries; of all unless given.
    limit : int, optional
        Only the first so many queries, by id.
    listen : Listener
        Called with the progress.

    Returns
    -------
    ScoreResult
        How many pairs were scored, how many of them failed, and how many remain.

    Raises
    ------
    NothingToDo
        If there are no candidates.
    Conflict
        If utilities of this teacher are there in another unit.

    Examples
    --------
    >>> result = wb.score(store, wb.teacher("lexical"), split="dev", limit=2)
    >>> result.queries, result.pairs, result.failures
    (2, 12, 0)
    """
    if not views.counts(store).candidates:
        raise NothingToDo("There are no candidates to score.", "Run `workbench candidates` first.")
    started = time.monotonic()
    teacher.prepare(views.passages(store))
    unscored = views.unscored(store, teacher.name, split, limit)
    buffer = _Buffer(store, teacher.unit, sum(pairs for _, pairs in unscored), listen)
    interrupted = False
    try:
        for start in range(0, len(unscored), WINDOW):
            window = [query_id for query_id, _ in unscored[start : start + WINDOW]]
            for batch in teacher.utilities(views.groups(store, teacher.name, window)):
                buffer.add(batch)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        buffer.commit()
    return ScoreResult(
        teacher=teacher.name,
        queries=len(buffer.queries),
        pairs=buffer.done,
        failures=buffer.failures,
        remaining=buffer.total - buffer.done,
        seconds=time.monotonic() - started,
        interrupted=interrupted,
    )


@dataclass
class _Buffer:
    """Gathers scored pairs of a teacher and commits them a few thousand at a time."""

    store: Store
    unit: Unit
    total: int
    listen: Listener
    done: int = 0
    failures: int = 0
    queries: set[str] = field(default_factory=set)
    rows: list[Scored] = field(default_factory=list)
    committed: float = field(default_factory=time.monotonic)

    def add(self, batch: list[Scored]) -> None:
        self.rows.extend(batch)
        if len(self.rows) >= COMMIT_ROWS or time.monotonic() - self.committed > COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        if self.rows:
            self.store.add_scored(self.rows, self.unit)
        self.done += len(self.rows)
        self.failures += sum(isinstance(row, Failure) for row in self.rows)
        self.queries.update(row.query_id for row in self.rows)
        self.rows, self.committed = [], time.monotonic()
        self.listen(Progress("score", self.done, self.total, "pairs"))
