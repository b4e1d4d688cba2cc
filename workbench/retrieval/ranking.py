"""What every retriever has in common: its collection, its protocol, and how equal similarities are ordered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting, Conflict, NothingToDo
from workbench.records import Listener, Passage, silent

if TYPE_CHECKING:
    import pyarrow as pa

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
# Similarities are rounded: two passages of the same text tie whatever the machine's arithmetic makes of them, and tools
# that read a run back from a file find the order that is in it.
DECIMALS = 6


class PassageIds(Sequence[str]):
    """The ids of a collection's passages by row, in a fifth of the memory of as many Python strings."""

    def __init__(self, ids: Sequence[str] | pa.Array | pa.ChunkedArray) -> None:
        import pyarrow as pa

        array = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
        self._array = pa.array(array, pa.large_string())

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, row: Any) -> Any:
        """Return the id of a row, or a list of those of a slice."""
        if isinstance(row, slice):
            return self._array[row].to_pylist()
        return self._array[int(row)].as_py()

    def __arrow_array__(self, type: pa.DataType | None = None) -> pa.Array:
        return self._array

    def of(self, rows: Rows) -> list[str]:
        """Return the ids of some rows."""
        ids: list[str] = self._array.take(rows).to_pylist()
        return ids

    def rows(self, ids: Sequence[str]) -> Rows:
        """Return the rows of some ids, -1 of those that are not in the collection."""
        import pyarrow as pa
        import pyarrow.compute as pc

        places = pc.index_in(pa.array(ids, pa.large_string()), value_set=self._array)
        rows: Rows = pc.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return rows


class Collection:
    """The passages that are searched: their ids by row, and their texts, which are read part by part when needed.

    `parts` yields the passages in the order of their rows, as often as it is called.
    """

    def __init__(self, ids: PassageIds, parts: Callable[[], Iterable[Sequence[Passage]]]) -> None:
        check_collection(ids)
        self.ids = ids
        self._parts = parts

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> Collection:
        """Return the collection of passages that are in memory."""
        return cls(PassageIds([passage.passage_id for passage in passages]), lambda: [passages])

    def __len__(self) -> int:
        return len(self.ids)

    def texts(self) -> Iterator[list[str]]:
        """Yield what students read of the passages, part by part; raises Conflict if they are not those of the ids.

        What comes after the last of them was added since, and is left out.
        """
        rows = 0
        for part in self._parts():
            known = part[: len(self) - rows]
            if [passage.passage_id for passage in known] != self.ids[rows : rows + len(known)]:
                break
            yield [passage.content for passage in known]
            rows += len(known)
        if rows != len(self):
            raise Conflict("Passages were removed or replaced while they were read.", "Run the same again.")


class Nearest(NamedTuple):
    """The best passages of each query, best first: their rows (n, k) and similarities (n, k).

    Where a query has fewer than k hits, the rest are row -1 with similarity -inf. `recall` is that of an approximate
    index, None of exact search, and `reason` says why that was chosen where nobody asked for it.
    """

    rows: Rows
    similarities: Floats
    index_kind: str = "flat"
    recall: float | None = None
    reason: str = ""

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
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(ids, pa.large_string())  # which compares bytes of UTF-8: the order of code points, as Python's
    order = np.empty(len(ids), np.int64)
    order[pc.sort_indices(array, sort_keys=[("", "descending")]).to_numpy()] = np.arange(len(ids))
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
    if not len(ids):
        raise NothingToDo("There are no passages to search.", "Run ingest first.")


def check_depth(k: int) -> None:
    """Raise BadSetting unless at least one hit is asked for."""
    if k < 1:
        raise BadSetting(f"The depth is {k}.", "Ask for at least one passage.")
