"""Passages in Arrow columns, in memory or mapped from a file; a record is made when it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.records import Passage

STRING = pa.large_string()


class Passages(Sequence[Passage]):
    """The passages of a table of passage_id, title and text, in the order of their ids.

    `title_join` stands between title and text, as in every one of them.
    """

    def __init__(self, table: pa.Table, title_join: str) -> None:
        ids = table["passage_id"].combine_chunks().cast(STRING)
        order = pc.sort_indices(ids)
        self.ids: pa.Array = ids.take(order)
        self._places = order.to_numpy().astype(np.int32)  # in the table, by row
        self._titles, self._texts = table["title"], table["text"]
        self._title_join = title_join

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, row: int) -> Passage: ...
    @overload
    def __getitem__(self, row: slice) -> list[Passage]: ...
    def __getitem__(self, row: int | slice) -> Passage | list[Passage]:
        """Return the passage of a row, or a list of those of a slice."""
        if isinstance(row, slice):
            return [self[at] for at in range(len(self))[row]]
        row = range(len(self))[row]
        place = int(self._places[row])
        title, text = self._titles[place].as_py(), self._texts[place].as_py()
        return Passage(self.ids[row].as_py(), title, text, self._title_join)


def ids_of(passages: Sequence[Passage]) -> pa.Array:
    """Return the ids of passages, by row."""
    if isinstance(passages, Passages):
        return passages.ids
    return pa.array([passage.passage_id for passage in passages], STRING)


def rows_of(ids: Sequence[str] | pa.Array | pa.ChunkedArray, among: pa.Array) -> NDArray[np.int64]:
    """Return the rows that some ids have among others, -1 of those that are not there."""
    wanted = ids.cast(STRING) if isinstance(ids, (pa.Array, pa.ChunkedArray)) else pa.array(ids, STRING)
    rows = pc.fill_null(pc.index_in(wanted, value_set=among), -1)
    return np.asarray(rows.to_numpy(zero_copy_only=False), np.int64)
