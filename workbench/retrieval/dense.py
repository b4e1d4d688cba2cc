"""Dense retrieval: the nearest of a collection's vectors, found exactly, by faiss."""

from __future__ import annotations

import sys
from collections.abc import Sequence
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

# How far a similarity from faiss, in single precision, can be from ours, in double precision.
SLACK = 1e-5
# faiss is asked for more than k, so that ties at the k-th place are seen.
MARGIN = 16
NUMBERS_AT_ONCE = 8_000_000


class DenseRetriever:
    """A student and the vectors of a collection; its similarities are cosines."""

    def __init__(self, encoder: Encoder, passages: Sequence[Passage]) -> None:
        self.encoder = encoder
        self.passages = passages
        self._index: Index | None = None

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
        return self._indexed(silent).search(self.encoder.queries_anew(queries), k)

    def place(
        self, queries: Sequence[str], rows: Sequence[Sequence[int]], listen: Listener = silent
    ) -> list[Placement]:
        """Return ranks and similarities of given passages for each query, also below any depth."""
        index = self._indexed(listen)
        return index.place(self.encoder.queries(queries, listen), rows)

    def _indexed(self, listen: Listener) -> Index:
        if self._index is None:
            vectors = self.encoder.passages([passage.content for passage in self.passages], listen)
            self._index = Index(vectors, [passage.passage_id for passage in self.passages])
        return self._index


class Index:
    """Unit vectors (n, d) of passages, searched exactly; similarities are cosines in double precision, rounded."""

    def __init__(self, vectors: Floats, ids: Sequence[str]) -> None:
        if len(vectors) != len(ids):
            raise BadSetting(f"{len(vectors)} vectors cannot be the passages of {len(ids)} ids.")
        check_collection(ids)
        self.vectors = vectors
        self.order = tie_order(ids)

    def search(self, queries: Floats, k: int) -> Nearest:
        """Return the k nearest passages of query vectors (q, d): rows and similarities (q, k)."""
        check_depth(k)
        nearest = no_hits(len(queries), k)
        waiting, width = np.arange(len(queries)), k + MARGIN
        while waiting.size:
            width = min(width, len(self.vectors))
            rough, rows = self._faiss.search(np.ascontiguousarray(queries[waiting], np.float32), width)
            undecided = []
            for at, query in enumerate(waiting):
                exact = self._cosines(queries[query : query + 1], rows[at])[0]
                best = best_rows(exact, self.order[rows[at]], k)
                # What faiss left out is below its last; it is out of the race if that is below our k-th.
                if width < len(self.vectors) and rough[at, -1] >= exact[best[-1]] - SLACK:
                    undecided.append(query)
                    continue
                nearest.fill(int(query), rows[at, best], exact[best])
            waiting, width = np.array(undecided, dtype=np.int64), width * 4
        return nearest

    def place(self, queries: Floats, rows: Sequence[Sequence[int]]) -> list[Placement]:
        """Return exact ranks and similarities of given rows for each query vector, by comparing with every passage."""
        given = [np.asarray(of_query, np.int64) for of_query in rows]
        cosines = [self._cosines(query[None], at)[0] for query, at in zip(queries, given, strict=True)]
        ranks = [np.ones(len(at), np.int64) for at in given]
        step = max(1, NUMBERS_AT_ONCE // max(queries.shape)) if queries.size else len(self.vectors)
        for start in range(0, len(self.vectors), step):
            part = slice(start, start + step)
            block = self._cosines(queries, part)
            for query, at in enumerate(given):
                ranks[query] += count_ahead(block[query], self.order[part], cosines[query], self.order[at])
        return [Placement(rank, similarity.astype(np.float32)) for rank, similarity in zip(ranks, cosines, strict=True)]

    def similarities(self, queries: Floats, rows: Sequence[Sequence[int]]) -> list[Floats]:
        """Return the similarities of given rows for each query vector."""
        return [
            self._cosines(query[None], np.asarray(of_query, np.int64))[0].astype(np.float32)
            for query, of_query in zip(queries, rows, strict=True)
        ]

    def _cosines(self, queries: Floats, rows: Rows | slice) -> NDArray[np.float64]:
        cosines: NDArray[np.float64] = queries.astype(np.float64) @ self.vectors[rows].astype(np.float64).T
        return cosines.round(DECIMALS)

    @cached_property
    def _faiss(self) -> Any:
        faiss = import_faiss()
        index = faiss.IndexFlatIP(self.vectors.shape[1])
        index.add(np.ascontiguousarray(self.vectors, np.float32))
        return index


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
