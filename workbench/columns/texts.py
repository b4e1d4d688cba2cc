"""Texts by row, of which none is held: those of passages, some of them, and the distinct ones in numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import overload

import numpy as np
from numpy.typing import NDArray

from workbench.records import Passage

Rows = NDArray[np.int32]
# Of 256 bits: no two texts are known to share one.
DIGEST_BYTES = 32
DIGEST = np.dtype(f"S{DIGEST_BYTES}")
TEXTS_AT_ONCE = 10_000


class Texts(Sequence[str]):
    """Texts by row, of which a subclass says how some are read."""

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        """Return the text of a row, or a list of those of a slice."""
        rows = range(len(self))[row]
        return [self._at(one) for one in rows] if isinstance(rows, range) else self._at(rows)

    @abstractmethod
    def _at(self, row: int) -> str:
        """Return the text of a row that is there."""


class Contents(Texts):
    """What models read of passages, by row."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = passages

    def __len__(self) -> int:
        return len(self.passages)

    def _at(self, row: int) -> str:
        return self.passages[row].content

    @cached_property
    def distinct(self) -> DistinctTexts:
        """Return the distinct ones among them, found out once."""
        return DistinctTexts(self)


class ChosenTexts(Texts):
    """Some of other texts, in an order of their own: text i is `texts[rows[i]]`."""

    def __init__(self, texts: Sequence[str], rows: NDArray[np.integer]) -> None:
        self.texts, self.rows = texts, rows

    def __len__(self) -> int:
        return len(self.rows)

    def _at(self, row: int) -> str:
        return self.texts[int(self.rows[row])]


class DistinctTexts(ChosenTexts):
    """The distinct ones of texts, in the order in which they first come; `numbers` are those of all texts, (n,)."""

    def __init__(self, texts: Sequence[str]) -> None:
        digests = np.concatenate([_digests(part) for part in parts(texts)] or [np.empty(0, DIGEST)])
        self._digests, firsts, places = np.unique(digests, return_index=True, return_inverse=True)
        order = np.argsort(firsts)
        super().__init__(texts, firsts[order].astype(np.int32))
        self._numbers = np.empty(len(order), np.int32)  # of the sorted digests
        self._numbers[order] = np.arange(len(order), dtype=np.int32)
        self.numbers: Rows = self._numbers[places]

    def find(self, texts: Sequence[str]) -> Rows:
        """Return the numbers of texts that are among these; raises KeyError."""
        wanted = _digests(texts)
        places = np.searchsorted(self._digests, wanted).clip(max=len(self) - 1)
        if not len(self) or not (same := self._digests[places] == wanted).all():
            raise KeyError(texts[0 if not len(self) else int(np.argmin(same))])
        numbers: Rows = self._numbers[places]
        return numbers


def parts(texts: Sequence[str], at_once: int = TEXTS_AT_ONCE) -> Iterator[Sequence[str]]:
    """Yield texts part by part."""
    for start in range(0, len(texts), at_once):
        yield texts[start : start + at_once]


def _digests(texts: Sequence[str]) -> NDArray[np.bytes_]:
    encoded = (text.encode("utf-8", "surrogatepass") for text in texts)
    joined = b"".join(blake2b(text, digest_size=DIGEST_BYTES).digest() for text in encoded)
    return np.frombuffer(joined, DIGEST)
