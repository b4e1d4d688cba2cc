"""What every retriever has in common: its protocol, and the one rule by which equal similarities are ordered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting, NothingToDo
from workbench.records import Listener, silent

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
# Similarities are rounded: two passages of the same text tie whatever the machine's arithmetic makes of them, and tools
# that read a run back from a file find the order that is in it.
DECIMALS = 6


class Nearest(NamedTuple):
    """The best passages of each query, best first: their rows (n, k) and similarities (n, k).

    Where a query has fewer than k hits, the rest are row -1 with similarity -inf. `recall` is that of an approximate
    index, None of exact search.
    """

    rows: Rows
    similarities: Floats
    index_kind: str = "flat"
    recall: float | None = None

    def fill(self, query: int, rows: Rows, similarities: NDArray[Any]) -> None:
        """Set the hits of one query, best first, at most k."""
        self.rows[query, : len(rows)] = rows
        self.similarities[query, : len(rows)] = similarities


class Placement(NamedTuple):
    """The exact ranks, counting from 1, and similarities of given passages for one query."""

    ranks: Rows
    similarities: Floats


class Retriever(Protocol):
    """Anything that ranks a collection for queries; `rows` are positions in the collection it was made of.

    Order: similarity, then passage_id, both descending; the latter is trec_eval's rule for ties.
    """

    @property
    def name(self) -> str:
        """Return the student's name."""

    def search(self, queries: Sequence[str], k: int, listen: Listener = silent) -> Nearest:
        """Return the k best passages of each query."""

    def place(
        self, queries: Sequence[str], rows: Sequence[Sequence[int]], listen: Listener = silent
    ) -> list[Placement]:
        """Return ranks and similarities of given passages for each query, also below any depth."""


def no_hits(queries: int, k: int) -> Nearest:
    """Return a result without any hit, to be filled."""
    return Nearest(np.full((queries, k), -1, np.int64), np.full((queries, k), -np.inf, np.float32))


def tie_order(ids: Sequence[str]) -> Rows:
    """Return for each passage its place when ids are sorted descending: among equals, lower comes first."""
    order = np.empty(len(ids), np.int64)
    order[sorted(range(len(ids)), key=ids.__getitem__, reverse=True)] = np.arange(len(ids))
    return order


def best_rows(similarities: NDArray[Any], order: Rows, k: int) -> Rows:
    """Return the positions of the k best of some passages (n,), given their similarities and tie order."""
    rows: Rows = np.lexsort((order, -similarities))[:k]
    return rows


def count_ahead(similarities: NDArray[Any], order: Rows, given_similarities: NDArray[Any], given_order: Rows) -> Rows:
    """Return how many of the passages (n,) rank before each given one (m,)."""
    higher = similarities > given_similarities[:, None]
    earlier = (similarities == given_similarities[:, None]) & (order < given_order[:, None])
    count: Rows = (higher | earlier).sum(axis=1)
    return count


def placements(similarities: Iterable[NDArray[Any]], order: Rows, rows: Sequence[Sequence[int]]) -> list[Placement]:
    """Return the placement of given rows for each query, from the similarities (n,) of all passages to it."""
    placed = []
    for of_query, given in zip(similarities, rows, strict=True):
        at = np.asarray(given, np.int64)
        ranks = 1 + count_ahead(of_query, order, of_query[at], order[at])
        placed.append(Placement(ranks, of_query[at].astype(np.float32)))
    return placed


def check_collection(ids: Sequence[str]) -> None:
    """Raise NothingToDo unless there is a passage to search."""
    if not ids:
        raise NothingToDo("There are no passages to search.", "Run ingest first.")


def check_depth(k: int) -> None:
    """Raise BadSetting unless at least one hit is asked for."""
    if k < 1:
        raise BadSetting(f"The depth is {k}.", "Ask for at least one passage.")
