"""Latency: how long one query takes by search alone, and by a teacher that re-ranks what search found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from workbench.errors import BadSetting, NothingToDo
from workbench.progress import tracked
from workbench.records import Group, Query
from workbench.results import Result
from workbench.retrieval.dense import DenseRetriever
from workbench.retrieval.ranking import PassageIds, Retriever, Rows
from workbench.steps.compare.ranking.rerank import Reranking
from workbench.steps.compare.ranking.retriever import retriever, stored_collection
from workbench.steps.data.next_step import must_have_queries
from workbench.store import Store, views
from workbench.teachers import Teacher, needs_answers

WARM = 3  # queries before the first one that counts


class StudentLatency(NamedTuple):
    """Milliseconds a query takes: the median over the queries, and what 10 and 90 % of them stay below."""

    student: str
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Latency(Result):
    """How long single queries take each student, one after the other on this machine, in turns; the slowest is last.

    Vectors of passages are there beforehand, as in use, and so are the texts that a teacher reads; queries are encoded
    anew. A re-ranking's time includes that of its first stage.
    """

    columns: ClassVar = {
        "student": "who ranks",
        "median": "median milliseconds a query",
        "low": "what 10 % of the queries stay below",
        "high": "what 90 % stay below",
        "times_faster": "how many times the slowest one takes as long",
    }
    rows: tuple[StudentLatency, ...]
    split: str
    queries: int
    passages: int

    @property
    def slowest(self) -> StudentLatency:
        """Return who takes longest."""
        return max(self.rows, key=lambda row: row.median)

    def times_faster(self, row: StudentLatency) -> float:
        """Return how many times the slowest one takes as long."""
        return self.slowest.median / row.median

    @property
    def in_words(self) -> str:
        """Return the medians, and how many times faster each is than the slowest."""
        medians = "; ".join(
            f"{row.student} {row.median:,.2f} ms"
            + ("" if row == self.slowest else f" ({self.times_faster(row):,.0f} times faster)")
            for row in self.rows
        )
        return (
            f"Median of {self.queries:,} queries of {self.split}, one at a time, {self.passages:,} passages: {medians}."
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each student."""
        return [(*row, self.times_faster(row)) for row in self.rows]


def latency(
    store: Store,
    students: Sequence[str],
    teacher: Teacher | None = None,
    depth: int = 20,
    split: str = "test",
    queries: int = 30,
) -> Latency:
    """Measure how long a query takes each student, and a teacher that re-ranks the first ones of the first student.

    All answer the same queries in turns, so that a busy machine is busy for all of them. Nothing is kept.

    Parameters
    ----------
    store : Store
        The workspace.
    students : sequence of str
        Students by name, "bm25" among them if you like.
    teacher : Teacher, optional
        Who re-ranks, as `wb.teacher` makes one. Where it reads reference answers, it reads one a query.
    depth : int
        How many passages are searched for, and re-ranked.
    split : str
        The split whose queries are asked.
    queries : int
        How many of them, the first ones by id.

    Returns
    -------
    Latency
        The median, and its spread over the queries, in milliseconds; the fastest first.

    Raises
    ------
    NothingToDo
        There are no passages, or no queries that the teacher can score.
    BadSetting
        No student is named, or one that is no model.

    Examples
    --------
    >>> latency = wb.latency(store, [base], wb.teacher("lexical"), depth=4, queries=3)
    >>> sorted(row.student.startswith("rerank:lexical") for row in latency.rows)
    [False, True]
    """
    if not students or queries < 1:
        raise BadSetting("Nothing is to be measured.", "Name at least one student, and one query or more.")
    must_have_queries(store, split)
    asked = _asked(store, split, queries, with_answers=teacher is not None and needs_answers(teacher))
    if not asked:
        raise NothingToDo(
            f"There are 0 queries of {split} to ask.", "Ingest queries, for this teacher such with reference answers."
        )
    collection = stored_collection(store)
    searchers = {name: _searcher(retriever(store, name, collection), depth) for name in dict.fromkeys(students)}
    timers = {name: _search_timer(search) for name, search in searchers.items()}
    if teacher:
        teacher.prepare(views.stream_passages(store))
        name = str(Reranking(teacher.name, depth, students[0]))
        timers[name] = _reranking_timer(searchers[students[0]], teacher, store, collection.ids)
    milliseconds: dict[str, list[float]] = {name: [] for name in timers}
    # The first queries warm up, and come again.
    for query in tracked([*asked[:WARM], *asked], "time", "queries"):
        for name, seconds in timers.items():
            milliseconds[name].append(1_000 * seconds(query))
    skipped = len(asked[:WARM])
    rows = [StudentLatency(name, *_spread(values[skipped:])) for name, values in milliseconds.items()]
    return Latency(tuple(sorted(rows, key=lambda row: row.median)), split, len(asked), len(collection))


def _asked(store: Store, split: str, number: int, *, with_answers: bool) -> list[Query]:
    """Return the first queries of a split, each with one answer at most."""
    queries = [query for query in views.queries(store, split) if query.answers or not with_answers]
    return [query._replace(answers=query.answers[:1]) for query in queries[:number]]


def _searcher(ranker: Retriever, depth: int) -> Callable[[Query], Rows]:
    """Return what gives a query's nearest passages, as rows; its vector is not taken from the cache."""
    search = ranker.search_anew if isinstance(ranker, DenseRetriever) else ranker.search

    def nearest(query: Query) -> Rows:
        rows = search([query.text], depth).rows[0]
        filled: Rows = rows[rows >= 0]
        return filled

    return nearest


def _search_timer(search: Callable[[Query], Rows]) -> Callable[[Query], float]:
    """Return what gives the seconds of a query's search."""

    def seconds(query: Query) -> float:
        started = time.perf_counter()
        search(query)
        return time.perf_counter() - started

    return seconds


def _reranking_timer(
    search: Callable[[Query], Rows], teacher: Teacher, store: Store, ids: PassageIds
) -> Callable[[Query], float]:
    """Return what gives the seconds of a query's search and of the teacher that scores the passages.

    Between the two their texts are read, and no others: that does not count.
    """

    def seconds(query: Query) -> float:
        started = time.perf_counter()
        rows = search(query)
        searched = time.perf_counter() - started
        passage_ids = ids.of(rows)
        passages = {passage.passage_id: passage for passage in views.passages(store, passage_ids)}
        group = Group(query, tuple(passages[passage_id] for passage_id in passage_ids))
        started = time.perf_counter()
        for _ in teacher.utilities([group]):
            pass
        return searched + time.perf_counter() - started

    return seconds


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, and the quantiles at 10 and 90 %."""
    median, low, high = np.quantile(values, [0.5, 0.1, 0.9]).tolist()
    return median, low, high
