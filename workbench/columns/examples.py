"""Examples in columns: what students learn from, in as little memory as its numbers and ids take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray

from workbench.columns.passages import STRING, ids_of, rows_of
from workbench.columns.texts import ChosenTexts, Contents
from workbench.records import Example, Passage, Query

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Lists:
    """A column of lists of numbers: list i is `values[ends[i - 1]:ends[i]]`."""

    values: NDArray[Any]
    ends: Numbers

    @classmethod
    def of(cls, lists: Iterable[Sequence[float] | NDArray[Any]], dtype: DTypeLike) -> Lists:
        """Return a column of lists that are in memory."""
        arrays = [np.asarray(one, dtype) for one in lists]
        ends = np.fromiter(accumulate(map(len, arrays)), np.int64, len(arrays))
        return cls(np.concatenate([np.empty(0, dtype), *arrays]), ends)

    @classmethod
    def grouped(cls, numbers: Numbers, values: NDArray[Any], count: int) -> Lists:
        """Return values, which come in the order of the numbers of their lists, as so many lists."""
        return cls(values, np.cumsum(np.bincount(numbers, minlength=count)))

    @classmethod
    def joined(cls, columns: Sequence[Lists]) -> Lists:
        """Return columns, one or more, as one."""
        sizes = np.cumsum([0, *(len(column.values) for column in columns[:-1])])
        ends = [column.ends + size for column, size in zip(columns, sizes, strict=True)]
        return cls(np.concatenate([column.values for column in columns]), np.concatenate(ends))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, number: int) -> NDArray[Any]:
        return self.values[self.ends[number - 1] if number else 0 : self.ends[number]]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[number] for number in range(len(self)))

    @property
    def lengths(self) -> Numbers:
        """Return how long each list is."""
        return np.diff(self.ends, prepend=0)

    def at(self, numbers: Sequence[int]) -> Lists:
        """Return the column of some of the lists."""
        return Lists.of((self[number] for number in numbers), self.values.dtype)


@dataclass(frozen=True, eq=False, repr=False)
class Examples(Sequence[Example]):
    """Scored queries, of which an Example is made when it is looked at.

    Query i has the passages of `rows[i]`, best first, with `utilities[i]`. Rows are those of `contents.passages`, of
    which the first `collection` are what negatives are drawn from. `known[i]` are rows of `ids`: the ids of these
    passages, then of those that are known by id only.
    """

    queries: Sequence[Query]
    contents: Contents
    ids: pa.Array
    collection: int
    rows: Lists
    utilities: Lists
    known: Lists

    @classmethod
    def of(cls, examples: Sequence[Example], collection: Sequence[Passage]) -> Examples:
        """Return examples in columns; passages of theirs that the collection lacks come after it."""
        if isinstance(examples, Examples) and examples.contents.passages is collection:
            return examples
        scored: dict[str, Passage] = {}
        for example in examples:
            if len(example.passages) != len(example.utilities):
                raise ValueError(f"Query {example.query.query_id!r} has not as many utilities as passages.")
            for passage in example.passages:
                scored.setdefault(passage.passage_id, passage)
        names = list(dict.fromkeys([*scored, *(name for example in examples for name in example.known)]))
        ids = ids_of(collection)
        row_of = dict(zip(names, rows_of(names, ids).tolist(), strict=True))
        lacking = [name for name in names if row_of[name] < 0]  # first the scored ones
        row_of |= {name: len(collection) + place for place, name in enumerate(lacking)}
        own = [scored[name] for name in lacking if name in scored]
        return cls(
            queries=[example.query for example in examples],
            contents=Contents([*collection, *own] if own else collection),
            ids=pa.concat_arrays([ids, pa.array(lacking, STRING)]),
            collection=len(collection),
            rows=Lists.of(([row_of[one.passage_id] for one in example.passages] for example in examples), np.int32),
            utilities=Lists.of((example.utilities for example in examples), np.float64),
            known=Lists.of(([row_of[name] for name in example.known] for example in examples), np.int32),
        )

    def __len__(self) -> int:
        return len(self.queries)

    @overload
    def __getitem__(self, number: int) -> Example: ...
    @overload
    def __getitem__(self, number: slice) -> Examples: ...
    def __getitem__(self, number: int | slice) -> Example | Examples:
        """Return an example, or those of a slice in columns."""
        if isinstance(number, slice):
            return self.at(range(len(self))[number])
        number = range(len(self))[number]
        passages = tuple(self.contents.passages[row] for row in self.rows[number].tolist())
        known = frozenset(self._ids(self.known[number]))
        return Example(self.queries[number], passages, tuple(self.utilities[number].tolist()), known)

    def at(self, numbers: Sequence[int]) -> Examples:
        """Return some of the examples, in columns."""
        columns = {name: getattr(self, name).at(numbers) for name in ("rows", "utilities", "known")}
        return replace(self, queries=[self.queries[number] for number in numbers], **columns)

    @property
    def texts(self) -> ChosenTexts:
        """Return the distinct texts of their passages, in the order in which these first come."""
        numbers = self.contents.distinct.numbers[self.rows.values]
        firsts = np.unique(numbers, return_index=True)[1]
        return ChosenTexts(self.contents.distinct, numbers[np.sort(firsts)])

    def identities(self) -> Iterator[bytes]:
        """Yield what makes each example another one: its query, the ids of its passages, utilities and known ids."""
        for query, rows, utilities, known in zip(self.queries, self.rows, self.utilities, self.known, strict=True):
            yield repr((query, self._ids(rows), tuple(utilities.tolist()), sorted(self._ids(known)))).encode()

    def _ids(self, rows: NDArray[Any]) -> list[str]:
        ids: list[str] = self.ids.take(rows).to_pylist()
        return ids


def utilities_of(examples: Iterable[Example]) -> Iterator[Sequence[float] | NDArray[Any]]:
    """Return the utilities of each example, which is not made for that where columns hold them."""
    return iter(examples.utilities) if isinstance(examples, Examples) else (one.utilities for one in examples)
