"""Candidates: the passages worth asking a teacher about, from BM25, a student, and the qrels."""

from __future__ import annotations

import time
from dataclasses import dataclass

from workbench.errors import NothingToDo
from workbench.records import Candidate, Listener, Passage, Query, silent
from workbench.steps.compare.retriever import retriever
from workbench.store import Store, views
from workbench.students import BM25

DEFAULT_STUDENT = "static:all-MiniLM-L6-v2"
QRELS = "qrels"


@dataclass(frozen=True)
class CandidatesResult:
    """How many candidates there are now, and how many of them this call added."""

    queries: int
    proposed: int
    added: int
    seconds: float

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence."""
        return (
            f"{self.proposed:,} proposals for {self.queries:,} queries, {self.added:,} of them new, "
            f"in {self.seconds:.1f} s"
        )


def candidates(
    store: Store,
    student: str = DEFAULT_STUDENT,
    depth: int = 20,
    split: str | None = None,
    listen: Listener = silent,
) -> CandidatesResult:
    """Propose for each query the top `depth` of BM25 and of `student`, and its qrels; who proposed is kept."""
    started = time.monotonic()
    queries, passages = views.queries(store, split), views.passages(store)
    if not queries or not passages:
        raise NothingToDo(
            f"There are {len(queries):,} queries and {len(passages):,} passages to pair.",
            "Run `workbench ingest` first.",
        )
    proposed = [Candidate(qrel.query_id, qrel.passage_id, QRELS) for qrel in views.qrels(store, split)]
    for name in dict.fromkeys((BM25, student)):
        proposed += _top(store, name, queries, passages, depth, listen)
    added = store.add_candidates(proposed)
    return CandidatesResult(len(queries), len(proposed), added, time.monotonic() - started)


def _top(
    store: Store, name: str, queries: list[Query], passages: list[Passage], depth: int, listen: Listener
) -> list[Candidate]:
    nearest = retriever(store, name, passages).search([query.text for query in queries], depth, listen)
    return [
        Candidate(query.query_id, passages[row].passage_id, name)
        for query, rows in zip(queries, nearest.rows, strict=True)
        for row in rows
        if row >= 0
    ]
