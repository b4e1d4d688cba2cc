"""Score: ask a teacher for the utilities that are missing, and keep each batch as it is finished."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from workbench.errors import NothingToDo
from workbench.records import Failure, Listener, Progress, Scored, Unit, silent
from workbench.results import Result
from workbench.steps.data.next_step import advice, must_have_queries
from workbench.store import Store, views
from workbench.store.views import FailureReason, SplitCounts
from workbench.teachers import TEACHERS, Teacher, needs_answers

WINDOW = 256  # queries handed to a teacher at once: enough to sort by length, small enough to hold
COMMIT_ROWS = 4096  # pairs of a commit at least, unless
COMMIT_SECONDS = 10.0  # this much time has passed since the last one
SHOWN_REASONS = 3  # of failures, in words; `ScoreResult.reasons` has all


@dataclass(frozen=True)
class ScoreResult(Result):
    """What one call to `score` added; `remaining` pairs are still unscored if it was interrupted.

    `without_answers` queries were left out, as this kind of teacher needs a reference answer, `without_text` ones, as
    only their ids are known. `scored_before` and `failed_before` count the pairs of the split that an earlier call
    asked about; `reasons` are those of all failures, of this call and earlier ones.
    """

    columns: ClassVar = {
        "teacher": "full name of the teacher",
        "queries": "queries with a pair that was scored",
        "pairs": "pairs that the teacher was asked about",
        "failures": "pairs among them that it could not score",
        "remaining": "pairs that are still unscored",
        "seconds": "seconds that it took",
        "without_answers": "queries left out for want of a reference answer",
        "scored_before": "pairs that earlier calls had scored",
        "failed_before": "pairs that failed in earlier calls",
        "without_text": "queries left out because only their ids are known",
    }
    teacher: str
    queries: int
    pairs: int
    failures: int
    remaining: int
    seconds: float
    interrupted: bool
    without_answers: int = 0
    scored_before: int = 0
    failed_before: int = 0
    reasons: tuple[FailureReason, ...] = ()
    without_text: int = 0

    @property
    def failed(self) -> bool:
        """Return whether there was something to score, and all of it failed, now or in earlier calls."""
        if self.pairs:
            return self.failures == self.pairs
        return self.failed_before > 0 and not self.scored_before

    @property
    def rate(self) -> float:
        """Return pairs per second."""
        return self.pairs / self.seconds if self.seconds else 0.0

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence, and why pairs failed in another."""
        before = f"{self.scored_before:,} were scored and {self.failed_before:,} failed before"
        if self.pairs:
            words = (
                f"{self.pairs - self.failures:,} of {self.pairs:,} pairs of {self.queries:,} queries scored in "
                f"{self.seconds:.1f} s ({self.rate:,.0f} a second), {self.failures:,} failed"
            )
            words += f"; {before}" if self.scored_before or self.failed_before else ""
        else:
            words = f"no pair is left to score; {before}"
        if self.interrupted:
            words += f"; stopped with {self.remaining:,} to go, which the same command takes up"
        if self.without_answers:
            words += f"; {_left_out(self.without_answers)}"
        if self.without_text:
            words += f"; queries known by id only left out: {self.without_text:,}"
        return f"{self.teacher}: {words}.{self._reasons_in_words}"

    @property
    def _reasons_in_words(self) -> str:
        reasons = "; ".join(
            f"{row.reason} ({row.pairs:,}, such as query {row.query_id}, passage {row.passage_id})"
            for row in self.reasons[:SHOWN_REASONS]
        )
        more = f"; and {len(self.reasons) - SHOWN_REASONS:,} more reasons" if len(self.reasons) > SHOWN_REASONS else ""
        return f" Failed: {reasons}{more}." if reasons else ""

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return one row: the numbers of this call."""
        return [[getattr(self, column) for column in self.columns]]


def score(
    store: Store,
    teacher: Teacher,
    split: str | None = None,
    limit: int | None = None,
    listen: Listener = silent,
) -> ScoreResult:
    """Score every candidate that a teacher has not scored yet.

    Queries without a reference answer are left out where the teacher needs one. Ctrl-C ends it after the batch at hand
    is committed; called again, it goes on where it was.

    Parameters
    ----------
    store : Store
        The workspace.
    teacher : Teacher
        Who gives the utilities, as `wb.teacher` makes one.
    split : str, optional
        Only the candidates of this split's queries; of all unless given.
    limit : int, optional
        Only the first so many queries that can be scored, by id.
    listen : Listener
        Called with the progress.

    Returns
    -------
    ScoreResult
        How many pairs were scored, how many of them failed, and how many remain.

    Raises
    ------
    NothingToDo
        If there are no queries of the split or no candidates, or the teacher needs reference answers and none of the
        queries has one.
    Conflict
        If utilities of this teacher are there in another unit.

    Examples
    --------
    >>> result = wb.score(store, wb.teacher("lexical"), split="dev", limit=2)
    >>> result.queries, result.pairs, result.failures
    (2, 12, 0)
    """
    with_answers, splits = needs_answers(teacher), _asked_splits(store, split)
    without_answers = _without_answers(splits) if with_answers else 0
    started = time.monotonic()
    teacher.prepare(views.passages(store))
    before = views.pair_counts(store, teacher.name, split)
    unscored = views.unscored(store, teacher.name, split, limit, with_answers=with_answers)
    note = _left_out(without_answers) if without_answers else ""
    buffer = _Buffer(store, teacher.unit, sum(pairs for _, pairs in unscored), listen, note)
    buffer.report()
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
        without_answers=without_answers,
        scored_before=before.scored,
        failed_before=before.failed,
        reasons=tuple(views.failure_reasons(store, teacher.name, split)),
        without_text=sum(counts.by_id for counts in splits),
    )


def _asked_splits(store: Store, split: str | None) -> list[SplitCounts]:
    """Return the counts of one split or of all; raises NothingToDo where there are no queries or no candidates."""
    if split:
        must_have_queries(store, split)
    asked = [counts for counts in views.counts(store).splits if split in (None, counts.split)]
    if not asked:
        raise NothingToDo("There are no queries.", advice(store))
    if not any(counts.candidates for counts in asked):
        option = f" --split {split}" if split else ""
        raise NothingToDo("There are no candidates to score.", f"Run `workbench candidates{option}` first.")
    return asked


def _without_answers(splits: Sequence[SplitCounts]) -> int:
    """Return how many queries have no reference answer; raises NothingToDo if that is all of them."""
    queries = sum(counts.queries for counts in splits)
    without = queries - sum(counts.with_answers for counts in splits)
    if without < queries:
        return without
    others = [name for name, kind in TEACHERS.items() if not kind.needs_answers]
    kinds = (
        f"Teachers that need none: {', '.join(others)}. " if others else f"So do all teachers: {', '.join(TEACHERS)}. "
    )
    raise NothingToDo(
        f"None of the {queries:,} queries has a reference answer, and this teacher needs one.",
        f"{kinds}Without answers, train on the qrels, `workbench train --teacher qrels`, or import scores, "
        "`workbench ingest utilities FILE --teacher imported:NAME`.",
    )


def _left_out(queries: int) -> str:
    return f"queries without a reference answer left out: {queries:,}"


@dataclass
class _Buffer:
    """Gathers scored pairs of a teacher and commits them a few thousand at a time."""

    store: Store
    unit: Unit
    total: int
    listen: Listener
    note: str = ""
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
        self.report()

    def report(self) -> None:
        if self.total:
            self.listen(Progress("score", self.done, self.total, "pairs", self.note))
