"""Candidates: the passages worth asking a teacher about, from BM25, a student, and the qrels."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from workbench.engines import LOCAL, Engine
from workbench.errors import NothingToDo
from workbench.records import Candidate, Listener, Query, approximation, silent
from workbench.results import Result, counted
from workbench.retrieval.ranking import Nearest, PassageIds
from workbench.steps.compare.ranking.hits import nearest_rows
from workbench.steps.compare.ranking.retriever import find_student, retriever, stored_collection
from workbench.steps.data.next_step import must_have_queries
from workbench.steps.teach.planning.candidate_fit import QRELS, fitting_students
from workbench.store import Store, views
from workbench.students import BM25

DEFAULT_STUDENT = "static:all-MiniLM-L6-v2"


@dataclass(frozen=True)
class CandidatesResult(Result):
    """How many candidates were proposed, and how many of them are new.

    A student learns most from its own mistakes, which its own nearest passages hold: `fits` are the students that
    proposed the candidates of train, None where train has none. `approximation` says by which index the student was
    searched, where that was no exact search.
    """

    columns: ClassVar = {
        "queries": "queries that passages were proposed for",
        "proposed": "pairs that BM25, the student and the qrels proposed, each counted for itself",
        "added": "proposals that were not there before",
        "seconds": "seconds that it took",
        "fits": "students that proposed candidates for every train query that has any",
    }
    queries: int
    proposed: int
    added: int
    seconds: float
    fits: tuple[str, ...] | None = None
    approximation: str = ""

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence."""
        return (
            f"{counted(self.proposed, 'proposal')} for {counted(self.queries, 'query')}, {self.added:,} of them new, "
            f"in {self.seconds:.1f} s{f', {self.approximation}' if self.approximation else ''}{self._fitting}"
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return one row: the numbers of this call."""
        return [(self.queries, self.proposed, self.added, self.seconds, ", ".join(self.fits or ()))]

    @property
    def _fitting(self) -> str:
        if self.fits is None:
            return ""
        if not self.fits:
            return "; no student proposed candidates for the train split: name the one to train with --student"
        return f"; they fit a training of {' or '.join(self.fits)}, for any other name it with --student"


def candidates(
    store: Store,
    student: str = DEFAULT_STUDENT,
    depth: int = 20,
    split: str | None = None,
    listen: Listener = silent,
    engine: Engine = LOCAL,
) -> CandidatesResult:
    """Propose passages for a teacher to score: for each query the top of BM25 and of a student, and its qrels.

    Who proposed a passage is kept with it. Proposing again adds nothing.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        The student that proposes beside BM25, by name or folder: the one that will be trained.
    depth : int
        How many passages each of the two proposes for a query.
    split : str, optional
        Only the queries of this split; all of them unless given.
    listen : Listener
        Called with the progress.
    engine : Engine
        Where the student encodes and searches, as `wb.engine` makes one: in this process unless given.

    Returns
    -------
    CandidatesResult
        How many pairs were proposed, and how many of them are new.

    Raises
    ------
    NothingToDo
        If there are no queries or no passages.
    ModelUnavailable
        If the student cannot be had here.

    Examples
    --------
    >>> result = wb.candidates(store, base, depth=4, split="test")
    >>> result.queries, result.proposed
    (8, 56)
    """
    started = time.monotonic()
    if split:
        must_have_queries(store, split)
    queries, passages = views.queries(store, split), views.counts(store).passages
    if not queries or not passages:
        raise NothingToDo(
            f"There are {len(queries):,} queries and {passages:,} passages to pair.", "Run `workbench ingest` first."
        )
    collection = stored_collection(store)
    judged = _judged(store, split)
    proposals, number = [iter(judged)], len(judged)
    source = student if student == BM25 else find_student(store, student).name
    for name in dict.fromkeys((BM25, source)):
        nearest = retriever(store, name, collection, engine).search([query.text for query in queries], depth, listen)
        proposals.append(_top(name, queries, collection.ids, nearest))
        number += int((nearest.rows >= 0).sum())
        approximate = approximation(nearest.index_kind, nearest.recall, nearest.reason)
    added = store.add_candidates(chain.from_iterable(proposals))
    seconds = time.monotonic() - started
    return CandidatesResult(len(queries), number, added, seconds, fitting_students(store), approximate)


def _judged(store: Store, split: str | None) -> list[Candidate]:
    """Return the qrels whose query and passage have a text."""
    qrels = views.qrels(store, split)
    queries, passages = {qrel.query_id for qrel in qrels}, {qrel.passage_id for qrel in qrels}
    without_query, without_passage = views.lacking_text(store, queries, passages)
    return [
        Candidate(qrel.query_id, qrel.passage_id, QRELS)
        for qrel in qrels
        if qrel.query_id not in without_query and qrel.passage_id not in without_passage
    ]


def _top(name: str, queries: list[Query], ids: PassageIds, nearest: Nearest) -> Iterator[Candidate]:
    for query_id, rows, ranks, _ in nearest_rows(queries, nearest):
        for passage_id, rank in zip(ids.of(rows), ranks.tolist(), strict=True):
            yield Candidate(query_id, passage_id, name, rank)
