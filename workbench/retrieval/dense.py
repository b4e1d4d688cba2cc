"""Exact search: vectors to nearest passages, and the one rule by which equal similarities are ordered."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting, NothingToDo
from workbench.records import Listener, Passage, silent
from workbench.retrieval.encoder import Encoder

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
# Similarities are cosines in double precision, rounded: two passages of the same text tie whatever the machine's
# arithmetic makes of them, and tools that read a run back from a file find the order that is in it.
DECIMALS = 6
# How far a similarity from faiss, in single precision, can be from ours.
SLACK = 1e-5
# faiss is asked for more than k, so that ties at the k-th place are seen.
MARGIN = 16
NUMBERS_AT_ONCE = 8_000_000


class Nearest(NamedTuple):
    """The best passages of each query, best first: their rows (n, k) and similarities (n, k).

    Where a query has fewer than k hits, the rest are row -1 with similarity -inf.
    """

    rows: Rows
    similarities: Floats


class Placed(NamedTuple):
    """Where given passages stand for one query: exact ranks, counting from 1, and similarities."""

    ranks: Rows
    similarities: Floats


class Retriever(Protocol):
    """Anything that ranks a collection for queries; `rows` are positions in the collection it was made of."""

    @property
    def name(self) -> str:
        """Return the student's name."""

    def search(self, queries: Sequence[str], k: int, listen: Listener = silent) -> Nearest:
        """Return the k best passages of each query."""

    def place(self, queries: Sequence[str], rows: Sequence[Sequence[int]], listen: Listener = silent) -> list[Placed]:
        """Return where given passages stand for each query, also below any depth."""


class DenseRetriever:
    """A student at work on a collection: similarities are cosines of its vectors."""

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

    def place(self, queries: Sequence[str], rows: Sequence[Sequence[int]], listen: Listener = silent) -> list[Placed]:
        """Return where given passages stand for each query, also below any depth."""
        index = self._indexed(listen)
        return index.place(self.encoder.queries(queries, listen), rows)

    def _indexed(self, listen: Listener) -> Index:
        if self._index is None:
            vectors = self.encoder.passages([passage.content for passage in self.passages], listen)
            self._index = Index(vectors, [passage.passage_id for passage in self.passages])
        return self._index


class Index:
    """Unit vectors (n, d) of passages, searched exactly.

    Order: similarity, then passage_id, both descending; the latter is trec_eval's rule for ties.
    """

    def __init__(self, vectors: Floats, ids: Sequence[str]) -> None:
        if len(vectors) != len(ids):
            raise BadSetting(f"{len(vectors)} vectors cannot be the passages of {len(ids)} ids.")
        must_hold(ids)
        self.vectors = vectors
        self.order = tie_order(ids)

    def search(self, queries: Floats, k: int) -> Nearest:
        """Return the k nearest passages of query vectors (q, d): rows and similarities (q, k)."""
        must_be_positive(k)
        found = empty(len(queries), k)
        waiting, width = np.arange(len(queries)), k + MARGIN
        while waiting.size:
            width = min(width, len(self.vectors))
            near, rows = self._faiss.search(np.ascontiguousarray(queries[waiting], np.float32), width)
            undecided = []
            for at, query in enumerate(waiting):
                exact = self._cosines(queries[query : query + 1], rows[at])[0]
                best = np.lexsort((self.order[rows[at]], -exact))[:k]
                # What faiss left out is below its last; it is out of the race if that is below our k-th.
                if width < len(self.vectors) and near[at, -1] >= exact[best[-1]] - SLACK:
                    undecided.append(query)
                    continue
                found.rows[query, : len(best)] = rows[at, best]
                found.similarities[query, : len(best)] = exact[best]
            waiting, width = np.array(undecided, dtype=np.int64), width * 4
        return found

    def place(self, queries: Floats, rows: Sequence[Sequence[int]]) -> list[Placed]:
        """Return exact ranks and similarities of given rows for each query vector, by comparing with every passage."""
        wanted = [np.asarray(some, np.int64) for some in rows]
        owned = [self._cosines(query[None], of)[0] for query, of in zip(queries, wanted, strict=True)]
        ranks = [np.ones(len(of), np.int64) for of in wanted]
        step = max(1, NUMBERS_AT_ONCE // max(queries.shape)) if queries.size else len(self.vectors)
        for start in range(0, len(self.vectors), step):
            part = slice(start, start + step)
            block = self._cosines(queries, part)
            for query, of in enumerate(wanted):
                ranks[query] += ahead(block[query], self.order[part], owned[query], self.order[of])
        return [Placed(rank, own.astype(np.float32)) for rank, own in zip(ranks, owned, strict=True)]

    def similarities(self, queries: Floats, rows: Sequence[Sequence[int]]) -> list[Floats]:
        """Return the similarities of given rows for each query vector."""
        pairs = zip(queries, rows, strict=True)
        return [self._cosines(query[None], np.asarray(some, np.int64))[0].astype(np.float32) for query, some in pairs]

    def _cosines(self, queries: Floats, rows: Rows | slice) -> NDArray[np.float64]:
        cosines: NDArray[np.float64] = queries.astype(np.float64) @ self.vectors[rows].astype(np.float64).T
        return cosines.round(DECIMALS)

    @cached_property
    def _faiss(self) -> Any:
        faiss = import_faiss()
        index = faiss.IndexFlatIP(self.vectors.shape[1])
        index.add(np.ascontiguousarray(self.vectors, np.float32))
        return index


def tie_order(ids: Sequence[str]) -> Rows:
    """Return for each passage its place when ids are sorted descending: among equals, lower comes first."""
    order = np.empty(len(ids), np.int64)
    order[sorted(range(len(ids)), key=ids.__getitem__, reverse=True)] = np.arange(len(ids))
    return order


def ahead(similarities: NDArray[Any], order: Rows, own: NDArray[Any], turn: Rows) -> Rows:
    """Return how many of the passages (n,) stand before each given one (m,), by its own similarity and turn."""
    higher = similarities > own[:, None]
    earlier = (similarities == own[:, None]) & (order < turn[:, None])
    count: Rows = (higher | earlier).sum(axis=1)
    return count


def placed(similarities: Iterable[NDArray[Any]], order: Rows, wanted: Sequence[Sequence[int]]) -> list[Placed]:
    """Return where the wanted rows of each query stand, by the similarities (n,) of all passages to it."""
    found = []
    for of_all, rows in zip(similarities, wanted, strict=True):
        of = np.asarray(rows, np.int64)
        own = of_all[of]
        found.append(Placed(1 + ahead(of_all, order, own, order[of]), own.astype(np.float32)))
    return found


def empty(queries: int, k: int) -> Nearest:
    """Return a result without any hit."""
    return Nearest(np.full((queries, k), -1, np.int64), np.full((queries, k), -np.inf, np.float32))


def must_hold(ids: Sequence[str]) -> None:
    """Raise unless there is something to search."""
    if not ids:
        raise NothingToDo("There are no passages to search.", "Run ingest first.")


def must_be_positive(k: int) -> None:
    """Raise unless at least one hit is asked for."""
    if k < 1:
        raise BadSetting(f"The depth is {k}.", "Ask for at least one passage.")


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
