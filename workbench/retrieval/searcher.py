"""One query at a time: the passages nearest to it, and how long it took to encode it and to search."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

from workbench.retrieval.dense import DenseRetriever
from workbench.retrieval.ranking import Nearest, Retriever


class Nearby(NamedTuple):
    """A query's nearest passages with their similarities, best first, and the milliseconds that it took.

    `encode` is None where no model encodes the query, or where that is part of the search.
    """

    hits: tuple[tuple[str, float], ...]
    encode: float | None
    search: float


class Searcher:
    """A retriever over passages of these ids that is open, and whose time is taken warm; threads take turns.

    `unit` says what its similarities are.
    """

    def __init__(self, name: str, retriever: Retriever, ids: Sequence[str], unit: str = "similarity") -> None:
        self.name = name
        self.unit = unit
        self.passages = len(ids)
        self._retriever = retriever
        self._ids = ids
        self._is_warm = False
        self._lock = Lock()

    def search(self, text: str, k: int) -> Nearby:
        """Return the k nearest passages of a query, which is encoded anew; the first query is asked twice."""
        with self._lock:
            if not self._is_warm:
                self._nearest(text, k)
                self._is_warm = True
            nearest, encode, search = self._nearest(text, k)
        rows, similarities = nearest.rows[0].tolist(), nearest.similarities[0].tolist()
        hits = tuple((self._ids[row], value) for row, value in zip(rows, similarities, strict=True) if row >= 0)
        return Nearby(hits, encode, search)

    def _nearest(self, text: str, k: int) -> tuple[Nearest, float | None, float]:
        """Return a query's nearest passages, and the milliseconds to encode and to search."""
        started = time.perf_counter()
        if not isinstance(self._retriever, DenseRetriever):
            nearest = self._retriever.search([text], k)
            return nearest, None, 1_000 * (time.perf_counter() - started)
        vectors = self._retriever.encoder.queries_anew([text])
        encoded = time.perf_counter()
        nearest = self._retriever.search_vectors(vectors, k)
        return nearest, 1_000 * (encoded - started), 1_000 * (time.perf_counter() - encoded)
