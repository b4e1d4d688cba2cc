"""Dense retrieval: the nearest of a collection's vectors, found exactly, by faiss."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting
from workbench.records import Listener, Passage, silent
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.ranking import (
    DECIMALS,
    Floats,
    Nearest,
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

# How far a similarity from faiss, in single precision, can be from ours, in double precision.
SLACK = 1e-5
# faiss is asked for more than k, so that ties at the k-th place are seen.
MARGIN = 16
NUMBERS_AT_ONCE = 8_000_000
QUERIES_WITH_TIES = 16
# Vectors of so many bytes are held in memory, so that a single query is quick; more are read from disk each time.
HELD_BYTES = 2**28


class Contents(Sequence[str]):
    """What students read of passages, each text made when it is asked for."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages

    def __len__(self) -> int:
        return len(self._passages)

    def __getitem__(self, row: Any) -> Any:
        return self._passages[row].content


class DenseRetriever:
    """A student and the vectors of a collection, or the `index` of them; its similarities are cosines."""

    def __init__(self, encoder: Encoder, passages: Sequence[Passage] = (), index: Index | None = None) -> None:
        self.encoder = encoder
        self.passages = passages
        self._index = index

    @property
    def name(self) -> str:
        """Return the student's name."""
        return self.encoder.name

    def search(self, queries: Sequence[str], k: int, listen: Listener = silent) -> Nearest:
        """Return the k nearest passages of each query."""
        index = self._indexed(listen)
        return index.search(self.encoder.queries(queries, listen), k)

    def search_anew(self, queries: Sequence[str], k: int) -> Nearest:
        """Return the same with the queries encoded anew, which is what takes time where nobody has asked before."""
        return self.search_vectors(self.encoder.queries_anew(queries), k)

    def search_vectors(self, queries: Floats, k: int) -> Nearest:
        """Return the k nearest passages of queries' vectors."""
        return self._indexed(silent).search(queries, k)

    def place(
        self, queries: Sequence[str], rows: Sequence[Sequence[int]], listen: Listener = silent
    ) -> list[Placement]:
        """Return ranks and similarities of given passages for each query, also below any depth."""
        index = self._indexed(listen)
        return index.place(self.encoder.queries(queries, listen), rows)

    def _indexed(self, listen: Listener) -> Index:
        if self._index is None:
            ids = [passage.passage_id for passage in self.passages]
            check_collection(ids)
            self._index = Index(self.encoder.stored_passages(Contents(self.passages), listen), ids)
        return self._index


class Index:
    """Unit vectors (n, d) of passages, searched exactly; similarities are cosines in double precision, rounded.

    Vectors on disk are read through in blocks, once for all queries of a call, if they are too many to be held.
    """

    def __init__(self, vectors: Vectors, ids: Sequence[str]) -> None:
        if len(vectors) != len(ids):
            raise BadSetting(f"{len(vectors)} vectors cannot be the passages of {len(ids)} ids.")
        check_collection(ids)
        self.vectors = vectors
        self.order = tie_order(ids)

    def search(self, queries: Floats, k: int) -> Nearest:
        """Return the k nearest passages of query vectors (q, d): rows and similarities (q, k)."""
        check_depth(k)
        nearest, width = no_hits(len(queries), k), min(k + MARGIN, len(self.vectors))
        rough, rows = self._nearly(queries, width)
        undecided = []
        for query, near, exact in self._exact(queries, rows):
            best = best_rows(exact, self.order[near], k)
            # What faiss left out is below its last; it is out of the race if that is below our k-th.
            if width < len(self.vectors) and rough[query].min() >= exact[best[-1]] - SLACK:
                undecided.append(query)
            else:
                nearest.fill(query, near[best], exact[best])
        self._search_ties(queries, k, undecided, nearest)
        return nearest

    def place(self, queries: Floats, rows: Sequence[Sequence[int]]) -> list[Placement]:
        """Return exact ranks and similarities of given rows for each query vector, by comparing with every passage."""
        given = [np.asarray(of_query, np.int64) for of_query in rows]
        cosines = self._of_rows(queries, given)
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
        if len(self.vectors) * self.vectors.shape[1] * 4 <= HELD_BYTES:
            return self._held.search(queries, width)  # type: ignore[no-any-return]
        faiss = import_faiss()
        best = faiss.ResultHeap(len(queries), width, keep_max=True)
        for rows, block in blocks(self.vectors):
            similarities, at = faiss.knn(queries, block, min(width, len(block)), faiss.METRIC_INNER_PRODUCT)
            best.add_result(similarities, rows[at])
        return best.D, best.I

    def _exact(self, queries: Floats, rows: Rows) -> Iterator[tuple[int, Rows, NDArray[np.float64]]]:
        """Yield each query with those of its rows (q, w) that are passages and their cosines; -1 is none."""
        for part in _parts(len(queries), max(1, NUMBERS_AT_ONCE // (rows.shape[1] * self.vectors.shape[1]))):
            given = [of_query[of_query >= 0] for of_query in rows[part]]
            yield from zip(range(part.start, part.stop), given, self._of_rows(queries[part], given), strict=True)

    def _of_rows(self, queries: Floats, given: Sequence[Rows]) -> list[NDArray[np.float64]]:
        """Return the cosines of given rows for each query."""
        vectors = self.vectors[np.concatenate([np.empty(0, np.int64), *given])]
        parts = np.split(vectors, np.cumsum([len(rows) for rows in given])[:-1]) if given else []
        return [_cosines(query[None], part)[0] for query, part in zip(queries, parts, strict=True)]

    def _search_ties(self, queries: Floats, k: int, undecided: Sequence[int], nearest: Nearest) -> None:
        """Search for the queries with so many equal similarities around the k-th that faiss may have missed one."""
        for start in range(0, len(undecided), QUERIES_WITH_TIES):
            part = list(undecided[start : start + QUERIES_WITH_TIES])
            similarities = np.empty((len(part), len(self.vectors)))
            for rows, block in blocks(self.vectors):
                similarities[:, rows] = _cosines(queries[part], block)
            for query, of_query in zip(part, similarities, strict=True):
                high = np.flatnonzero(of_query >= np.partition(of_query, -k)[-k])
                best = high[best_rows(of_query[high], self.order[high], k)]
                nearest.fill(query, best, of_query[best])

    @cached_property
    def _held(self) -> Any:
        faiss = import_faiss()
        index = faiss.IndexFlatIP(self.vectors.shape[1])
        index.add(np.ascontiguousarray(self.vectors[:], np.float32))
        return index


def _cosines(queries: Floats, vectors: Floats) -> NDArray[np.float64]:
    cosines: NDArray[np.float64] = queries.astype(np.float64) @ vectors.astype(np.float64).T
    return cosines.round(DECIMALS)


def _parts(count: int, step: int) -> Iterator[slice]:
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def import_faiss() -> Any:
    """Import faiss so that it gets along with torch, whichever of the two is wanted later.

    On Linux their OpenMP libraries coexist. Elsewhere a process that loads both may crash unless torch comes first
    and faiss keeps to one thread (faiss-wheels issue 73, pytorch issue 149201).
    """
    if sys.platform != "linux" and find_spec("torch"):
        import_module("torch")
    faiss = import_module("faiss")
    if sys.platform != "linux":
        faiss.omp_set_num_threads(1)
    return faiss
