"""Score: ask a teacher for the utilities that are missing, and keep each batch as it is finished."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from workbench.engines import LOCAL, Engine, leftovers, map_shards, only_caller
from workbench.errors import NothingToDo, UnknownName
from workbench.records import STATUSES, Failure, Listener, Progress, Scored, Status, Unit, silent
from workbench.steps.data.next_step import advice, must_have_queries
from workbench.steps.teach.scoring.score_result import ScoreResult, left_out_in_words
from workbench.steps.teach.scoring.score_work import score_work
from workbench.store import Store, views
from workbench.store.views import SplitCounts
from workbench.teachers import TEACHERS, RemoteTeacher, Teacher, needs_answers

# Pairs handed to a teacher at once, in whole queries: enough for passages to come again in other queries (16 times on
# SQuAD's development set, where each is a candidate of 80 queries), few enough to hold with their texts.
WINDOW = 32_768
COMMIT_ROWS = 4096  # pairs of a commit at least, unless
COMMIT_SECONDS = 10.0  # this much time has passed since the last one


class ScoreOptions(TypedDict, total=False):
    """What `score` can be told besides: which failures are asked again, and where the teacher works."""

    retry: Collection[Status]
    engine: Engine


def score(
    store: Store,
    teacher: Teacher,
    split: str | None = None,
    limit: int | None = None,
    listen: Listener = silent,
    **options: Unpack[ScoreOptions],
) -> ScoreResult:
    """Score every candidate that a teacher has not scored yet, and those again whose failure is to be retried.

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
    **options : optional
        `retry`: also ask again about pairs that failed with one of these statuses: "failed" (could not be asked, or an
        error), "refused" (the teacher declined), "unreadable" (its answer does not parse); none unless given.
        `engine`: where the teacher works, as `wb.engine` makes one; in this process unless given.

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
    UnknownName
        If there is no such status to retry.
    BadSetting
        If the teacher cannot work on another machine, or the engine cannot work.

    Examples
    --------
    >>> result = wb.score(store, wb.teacher("lexical"), split="dev", limit=2)
    >>> result.queries, result.pairs, result.failures
    (2, 12, 0)
    """
    retry = options.get("retry", ())
    if unknown := sorted(set(retry) - set(STATUSES)):
        raise UnknownName("status", unknown[0], [*STATUSES])
    with_answers, splits = needs_answers(teacher), must_have_candidates(store, split)
    without_answers = _without_answers(splits) if with_answers else 0
    started, engine = time.monotonic(), options.get("engine", LOCAL)
    teacher.prepare(views.stream_passages(store))
    work, folder = score_work(store, teacher, engine)
    # A teacher can have something to say of how it is run, such as its arithmetic.
    remark = str(getattr(teacher, "remark", ""))
    with only_caller(folder, store.path / "locks"):
        for batch in leftovers(work, folder) if folder else ():
            store.add_scored(batch, teacher.unit)
        before = views.pair_counts(store, teacher.name, split)
        unscored = views.unscored(store, teacher.name, split, limit, with_answers=with_answers, retry=retry)
        note = "; ".join(filter(None, [left_out_in_words(without_answers) if without_answers else "", remark]))
        buffer = ScoreBuffer(store, teacher.unit, sum(pairs for _, pairs in unscored), listen, note)
        if folder or (isinstance(teacher, RemoteTeacher) and teacher.spent is not None):
            buffer.seconds = 0.0
        windows = query_windows(unscored, engine.settings.rows if folder else WINDOW)
        groups = (views.groups(store, teacher.name, window, retry=retry) for window in windows)
        interrupted = buffer.fill(map_shards(work, groups, engine, folder))
        if folder and not interrupted:
            folder.clear()
    return ScoreResult(
        teacher=teacher.name,
        queries=len(buffer.queries),
        pairs=buffer.done,
        failures=sum(buffer.failures.values()),
        remaining=buffer.total - buffer.done,
        seconds=time.monotonic() - started,
        interrupted=interrupted,
        without_answers=without_answers,
        scored_before=before.scored,
        failed_before=before.failures,
        reasons=tuple(views.failure_reasons(store, teacher.name, split)),
        without_text=sum(counts.by_id for counts in splits),
        refused=buffer.failures["refused"],
        unreadable=buffer.failures["unreadable"],
        remark=remark,
    )


def must_have_candidates(store: Store, split: str | None) -> list[SplitCounts]:
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
    raise NothingToDo(
        f"None of the {queries:,} queries has a reference answer, and this teacher needs one.",
        f"Teachers that need none: {', '.join(others)}. Without answers, train on the qrels, "
        "`workbench train --teacher qrels`, or import scores, "
        "`workbench ingest utilities FILE --teacher imported:NAME`.",
    )


def query_windows(unscored: Sequence[tuple[str, int]], most: int) -> Iterator[list[str]]:
    """Yield query ids in turn, as many at once as have so many pairs to score at most, but always one."""
    window: list[str] = []
    pairs = 0
    for query_id, missing in unscored:
        if window and pairs + missing > most:
            yield window
            window, pairs = [], 0
        window.append(query_id)
        pairs += missing
    if window:
        yield window


@dataclass
class ScoreBuffer:
    """Gathers scored pairs of a teacher and commits them a few thousand at a time."""

    store: Store
    unit: Unit
    total: int
    listen: Listener
    note: str = ""
    seconds: float = COMMIT_SECONDS
    done: int = 0
    failures: Counter[Status] = field(default_factory=Counter)
    queries: set[str] = field(default_factory=set)
    rows: list[Scored] = field(default_factory=list)
    committed: float = field(default_factory=time.monotonic)

    def fill(self, batches: Iterable[list[Scored]]) -> bool:
        """Take batches until there are no more, or Ctrl-C, and keep them all; return whether it was that."""
        self.report()
        try:
            for batch in batches:
                self.add(batch)
        except KeyboardInterrupt:
            return True
        finally:
            self.commit()
        return False

    def add(self, batch: list[Scored]) -> None:
        """Take a finished batch."""
        self.rows.extend(batch)
        if len(self.rows) >= COMMIT_ROWS or time.monotonic() - self.committed >= self.seconds:
            self.commit()

    def commit(self) -> None:
        """Keep what was taken, and report how far the scoring is."""
        if self.rows:
            self.store.add_scored(self.rows, self.unit)
        self.done += len(self.rows)
        self.failures.update(row.status for row in self.rows if isinstance(row, Failure))
        self.queries.update(row.query_id for row in self.rows)
        self.rows, self.committed = [], time.monotonic()
        self.report()

    def report(self) -> None:
        """Report how many pairs are kept."""
        if self.total:
            self.listen(Progress("score", self.done, self.total, "pairs", self.note))
