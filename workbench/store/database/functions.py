"""What statements call beside DuckDB's own functions: the words of texts, which it is slow to part and to compare."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
from duckdb.func import ARROW

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

WORDS = "uinteger[]"
BYTES_AT_ONCE = 1 << 16  # whose numbers stay in a processor's cache
_BASE = 0x9E3779B97F4A7C15  # odd, so that modulo 2 ** 64 it can be divided by
_MODULUS = 2**64
# What stands in ASCII between words becomes 0; of all else it is seen one by one whether it is a letter or a digit.
_KEPT = bytes(code if code >= 128 or chr(code).isalnum() else 0 for code in range(256))


def add_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Add `word_set(text)` and `shared_words(words, words)` to what every statement of a database can call."""
    connection.create_function("word_set", word_set, ["varchar"], WORDS, type=ARROW)
    connection.create_function("shared_words", shared_words, [WORDS, WORDS], "integer", type=ARROW)


def word_set(texts: pa.ChunkedArray) -> pa.Array:
    """Return the words of each text, runs of letters and digits, as 32 bits each: each once and in order."""
    import numpy as np

    column = texts.combine_chunks().cast(pa.large_string())
    _, offsets, content = column.buffers()
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    parts, begin = [], 0
    while begin < len(column):
        end = max(begin + 1, int(np.searchsorted(ends, ends[begin] + BYTES_AT_ONCE, side="right")) - 1)
        text = content[ends[begin] : ends[end]].to_pybytes() if content else b""
        parts.append(_words_of_each(text, ends[begin:end] - ends[begin]))
        begin = end
    words = np.concatenate([np.zeros(0, np.uint32), *(words for words, _ in parts)])
    counts = np.concatenate([np.zeros(1, np.int64), *(counts for _, counts in parts)])
    return pa.ListArray.from_arrays(np.cumsum(counts).astype(np.int32), words)


def shared_words(left: pa.ChunkedArray, right: pa.ChunkedArray) -> pa.Array:
    """Return how many words each pair of sets has in common."""
    import numpy as np

    both = np.concatenate([_numbered(left), _numbered(right)])
    both.sort(kind="stable")  # which merges what is in order already
    rows = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
    return pa.array(np.bincount(rows.astype(np.int64), minlength=len(left)).astype(np.int32))


def _words_of_each(texts: bytes, starts: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the words of texts that follow one another, in order and each once, and how many each text has."""
    import numpy as np

    letters = np.frombuffer(bytearray(texts).translate(_KEPT), np.uint8)
    letters[_signs(texts)] = 0
    first = letters > 0
    first[1:] &= letters[:-1] == 0
    inside = starts[starts < len(letters)]
    first[inside] = letters[inside] > 0
    begins = np.flatnonzero(first)
    # A word is the number whose digits are its letters, wherever it stands: the power of its place is divided away.
    sums = np.zeros(len(letters) + 1, np.uint64)
    np.cumsum(letters.astype(np.uint64) * _powers(_BASE, len(letters)), out=sums[1:])
    hashes = np.diff(sums[begins], append=sums[-1]) * _powers(pow(_BASE, -1, _MODULUS), len(letters))[begins]
    hashes = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(32)
    of_each = np.diff(np.searchsorted(begins, starts), append=len(begins))
    keys = np.repeat(np.arange(len(starts), dtype=np.uint64) << np.uint64(32), of_each) | hashes
    keys.sort()
    keys = keys[np.flatnonzero(np.diff(keys, prepend=~keys[:1]))]
    return keys.astype(np.uint32), np.bincount((keys >> np.uint64(32)).astype(np.int64), minlength=len(starts))


def _signs(texts: bytes) -> NDArray[np.int64]:
    """Return where the bytes of those characters stand that are neither ASCII nor letters nor digits."""
    import numpy as np

    if texts.isascii():
        return np.zeros(0, np.int64)
    codes = np.frombuffer(texts.decode().encode("utf-32-le"), np.uint32)
    places = np.flatnonzero(codes > 127)
    distinct, inverse = np.unique(codes[places], return_inverse=True)
    lengths = (2 + (distinct >= 1 << 11) + (distinct >= 1 << 16))[inverse]
    are_signs = np.array([not chr(code).isalnum() for code in distinct.tolist()])[inverse]
    begins = places + np.cumsum(lengths - 1) - (lengths - 1)
    return np.concatenate([begins[are_signs & (lengths > byte)] + byte for byte in range(4)])


def _numbered(sets: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return the words of all sets in one row, each behind the number of its set."""
    import numpy as np

    whole = sets.combine_chunks()
    rows = np.repeat(np.arange(len(whole), dtype=np.uint64), np.diff(whole.offsets.to_numpy()))
    numbered: NDArray[np.uint64] = rows << np.uint64(32) | whole.flatten().to_numpy()
    return numbered


def _powers(base: int, size: int) -> NDArray[np.uint64]:
    """Return so many powers of a number modulo 2 ** 64, the first being 1."""
    return _kept_powers(base, BYTES_AT_ONCE)[:size] if size <= BYTES_AT_ONCE else _made_powers(base, size)


@cache
def _kept_powers(base: int, size: int) -> NDArray[np.uint64]:
    return _made_powers(base, size)


def _made_powers(base: int, size: int) -> NDArray[np.uint64]:
    import numpy as np

    powers: NDArray[np.uint64] = np.full(size, base, np.uint64)
    powers[:1] = 1
    np.multiply.accumulate(powers, out=powers)
    return powers
