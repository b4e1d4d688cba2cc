"""Exact search: the nearest of a collection's vectors, in memory or from disk.

Not by faiss: its exact search and its `knn` took 13.1 and 7.4 ms of a core for a query among 100,000 vectors of 384
numbers, the product by numpy's BLAS and a partition of what is above the best so far 1.0 ms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting
from workbench.retrieval.ranking import (
    DECIMALS,
    Floats,
    Nearest,
    PassageIds,
    Placement,
    Rows,
    best_rows,
    check_collection,
    check_depth,
    count_ahead,
    no_hits,
    tie_order,
)
from workbench.retrieval.stored_vectors import ROWS_AT_ONCE, Vectors, blocks

# How far a similarity in single precision can be from the one in double precision.
SLACK = 1e-5
# So many more than k are looked at in double precision, so that ties at the k-th place are seen.
MARGIN = 16
NUMBERS_AT_ONCE = 8_000_000
QUERIES_WITH_TIES = 16
# Vectors of so many bytes are held in memory, so that a single query is quick; more are read from disk each time.
HELD_BYTES = 2**28


class Index:
    """Unit vectors (n, d) of passages, searched exactly; similarities are cosines in double precision, rounded.

    Vectors on disk are read through in blocks, once for all queries of a call, if they are too many to be held.
    """

    def __init__(self, vectors: Vectors, ids: Sequence[str]) -> None:
        if len(vectors) != len(ids):
            raise BadSetting(f"{len(vectors)} vectors cannot be the passages of {len(ids)} ids.")
        check_collection(ids)
        self.stored = vectors
        self.vectors: Vectors = vectors[:] if len(vectors) * vectors.shape[1] * 4 <= HELD_BYTES else vectors
        self.ids = PassageIds(ids)
        self.order = tie_order(self.ids)

    def search(self, queries: Floats, k: int) -> Nearest:
        """Return the k nearest passages of query vectors (q, d): rows and similarities (q, k)."""
        check_depth(k)
        nearest, width = no_hits(len(queries), k), min(k + MARGIN, len(self.vectors))
        rough, rows = self._nearly(queries, width)
        undecided = []
        for query, (near, exact) in enumerate(zip(rows, self._of_rows(queries, list(rows)), strict=True)):
            best = best_rows(exact, self.order[near], k)
            # What was left out is below its last; it is out of the race if that is below our k-th.
            if width < len(self.vectors) and rough[query].min() >= exact[best[-1]] - SLACK:
                undecided.append(query)
            else:
                nearest.fill(query, near[best], exact[best])
        self._search_ties(queries, k, undecided, nearest)
        return nearest

    def place(self, queries: Floats, rows: Sequence[Sequence[int]]) -> list[Placement]:
        """Return exact ranks and similarities of given rows for each query vector, by comparing with every passage."""
        given = [np.asarray(of_query, np.int64) for of_query in rows]
        cosines = list(self._of_rows(queries, given))
        ranks = [np.ones(len(at), np.int64) for at in given]
        for part in _parts(len(queries), max(1, NUMBERS_AT_ONCE // ROWS_AT_ONCE)):
            for at, block in blocks(self.vectors):
                of_block = _cosines(queries[part], block)
                for query, similarities in enumerate(of_block, start=part.start):
                    if len(given[query]):
                        # Most of a collection is below whatever was given, and is left out of the comparison.
                        near = np.flatnonzero(similarities >= cosines[query].min())
                        order, ahead = self.order[at[near]], similarities[near]
                        ranks[query] += count_ahead(ahead, order, cosines[query], self.order[given[query]])
        return [Placement(rank, similarity.astype(np.float32)) for rank, similarity in zip(ranks, cosines, strict=True)]

    def similarities(self, queries: Floats, rows: Sequence[Sequence[int]]) -> list[Floats]:
        """Return the similarities of given rows for each query vector."""
        given = [np.asarray(of_query, np.int64) for of_query in rows]
        return [similarities.astype(np.float32) for similarities in self._of_rows(queries, given)]

    def _nearly(self, queries: Floats, width: int) -> tuple[Floats, Rows]:
        """Return the nearest of each query in single precision, in any order: similarities and rows (q, width)."""
        queries = np.ascontiguousarray(queries, np.float32)
        best = np.full((len(queries), width), -np.inf, np.float32)
        best_of = np.full((len(queries), width), -1, np.int64)
        for at, block in blocks(self.vectors):
            for part in _parts(len(queries), max(1, NUMBERS_AT_ONCE // len(block))):
                similarities = queries[part] @ block.T
                # After the first blocks few are above the least of the best so far.
                floors = best[part].min(axis=1)
                for query, (of_query, floor) in enumerate(zip(similarities, floors, strict=True), start=part.start):
                    higher = np.flatnonzero(of_query > floor)
                    if len(higher):
                        candidates = np.concatenate([best[query], of_query[higher]])
                        chosen = np.argpartition(candidates, -width)[-width:]
                        best[query] = candidates[chosen]
                        best_of[query] = np.concatenate([best_of[query], at[higher]])[chosen]
        return best, best_of

    def _of_rows(self, queries: Floats, given: Sequence[Rows]) -> Iterator[NDArray[np.float64]]:
        """Yield the cosines of given rows for each query, whose vectors are read for some queries at a time."""
        most = max((len(rows) for rows in given), default=0)
        for part in _parts(len(queries), max(1, NUMBERS_AT_ONCE // max(1, most * self.vectors.shape[1]))):
            of_part = given[part]
            vectors = self.vectors[np.concatenate(of_part)]
            ends = np.cumsum([len(rows) for rows in of_part])
            for query, end, rows in zip(queries[part], ends, of_part, strict=True):
                yield _cosines(query[None], vectors[end - len(rows) : end])[0]

    def _search_ties(self, queries: Floats, k: int, undecided: Sequence[int], nearest: Nearest) -> None:
        """Search for the queries with so many near equals of the k-th that single precision may have missed one."""
        for start in range(0, len(undecided), QUERIES_WITH_TIES):
            part = list(undecided[start : start + QUERIES_WITH_TIES])
            similarities = np.empty((len(part), len(self.vectors)))
            for rows, block in blocks(self.vectors):
                similarities[:, rows] = _cosines(queries[part], block)
            for query, of_query in zip(part, similarities, strict=True):
                high = np.flatnonzero(of_query >= np.partition(of_query, -k)[-k])
                best = high[best_rows(of_query[high], self.order[high], k)]
                nearest.fill(query, best, of_query[best])


def _cosines(queries: Floats, vectors: Floats) -> NDArray[np.float64]:
    cosines: NDArray[np.float64] = queries.astype(np.float64) @ vectors.astype(np.float64).T
    return cosines.round(DECIMALS)


def _parts(count: int, step: int) -> Iterator[slice]:
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
