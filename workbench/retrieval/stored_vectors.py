"""Vectors that stay on disk: read by rows, or once through, file by file, in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.retrieval.ranking import Floats, Rows

# 50 MB of 384 numbers each: larger ones are hardly quicker.
ROWS_AT_ONCE = 32_768


class Vectors(Protocol):
    """Unit vectors (n, d) of passages: an array, or what lies on disk."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return how many there are, and of how many numbers."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __getitem__(self, rows: Any) -> Floats:
        """Return the vectors of some rows, or of a slice."""


class StoredVectors:
    """Vectors (n, d) by their places in files: vector i is row `rows[i]` of file `files[numbers[i]]`.

    Files are those of a vector cache, which are complete and never change.
    """

    def __init__(self, files: Sequence[Path], width: int, numbers: NDArray[np.int32], rows: NDArray[np.int32]) -> None:
        self._files = files
        self._numbers = numbers
        self._rows = rows
        self.shape = (len(rows), width)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Floats:
        """Return the vectors of some rows, or of a slice, in the order asked for."""
        numbers, rows_in_file = self._numbers[rows], self._rows[rows]
        vectors = np.empty((len(numbers), self.shape[1]), np.float32)
        for number, at in _by_value(numbers):
            vectors[at] = np.load(self._files[number], mmap_mode="r")[rows_in_file[at]]
        return vectors

    def blocks(self) -> Iterator[tuple[Rows, Floats]]:
        """Yield every vector once, as the rows (m,) and the vectors (m, d) of a few files at a time."""
        rows: list[Rows] = []
        blocks: list[Floats] = []
        for number, at in _by_value(self._numbers):
            rows.append(at)
            blocks.append(np.load(self._files[number])[self._rows[at]])
            if sum(map(len, rows)) >= ROWS_AT_ONCE:
                yield np.concatenate(rows), np.concatenate(blocks)
                rows, blocks = [], []
        if rows:
            yield np.concatenate(rows), np.concatenate(blocks)

    @property
    def folder(self) -> Path:
        """Return the folder of their files."""
        return self._files[0].parent

    @property
    def content(self) -> str:
        """Return a digest of these vectors in this order; the names of their files are digests of what is in them."""
        used = np.unique(self._numbers)
        by_name = sorted(used, key=lambda number: self._files[number].name)
        places = np.zeros(len(self._files), np.int32)
        places[by_name] = np.arange(len(by_name))
        digest = sha256(repr((self.shape, [self._files[number].name for number in by_name])).encode())
        digest.update(places[self._numbers].tobytes())
        digest.update(self._rows.tobytes())
        return digest.hexdigest()[:32]


def blocks(vectors: Vectors) -> Iterator[tuple[Rows, Floats]]:
    """Yield every vector once: rows (m,) and vectors (m, d)."""
    if isinstance(vectors, StoredVectors):
        yield from vectors.blocks()
        return
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        block = vectors[start : start + ROWS_AT_ONCE]
        yield np.arange(start, start + len(block)), block


def _by_value(values: NDArray[np.int32]) -> Iterator[tuple[int, Rows]]:
    """Yield each value and where it stands."""
    order = np.argsort(values, kind="stable")
    distinct, starts = np.unique(values[order], return_index=True)
    for value, at in zip(distinct, np.split(order, starts[1:]), strict=True):
        yield int(value), at
