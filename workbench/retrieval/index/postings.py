"""BM25's postings, counted part by part: bm25s's own index of all tokens at once takes several times the memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]


class Tokens(NamedTuple):
    """The words of some texts as bm25s gives them: for each text the numbers of its words in a vocabulary."""

    ids: Sequence[Sequence[int]]
    vocab: dict[str, int]


class _Counts(NamedTuple):
    """How often words occur in texts, word by word: one entry for each word of a text."""

    words: Ints
    texts: Ints
    counts: Ints


def index(parts: Iterable[Tokens], k1: float, b: float) -> Any:
    """Return a bm25s index (Lucene's variant) of texts that come part by part; without any word its vocabulary is {}.

    A word of a text takes twelve bytes while parts are counted, and eight more for its similarity in the end.
    """
    import bm25s

    vocabulary: dict[str, int] = {}
    counted, lengths = _counted(parts, vocabulary)
    frequencies = np.zeros(len(vocabulary), np.int64)
    for part in counted:
        frequencies += np.bincount(part.words, minlength=len(vocabulary))
    inverse = np.log1p((len(lengths) - frequencies + 0.5) / (frequencies + 0.5))
    norms = k1 * (1 - b + b * lengths / (lengths.mean() or 1.0))
    starts = np.concatenate([[0], np.cumsum(frequencies)])
    data, texts = np.empty(starts[-1], np.float32), np.empty(starts[-1], np.int32)
    free = starts[:-1].copy()  # the next place of each word
    while counted:
        part = counted.pop(0)
        places = free[part.words] + _run_places(part.words)
        data[places] = inverse[part.words] * part.counts / (part.counts + norms[part.texts])
        texts[places] = part.texts
        free += np.bincount(part.words, minlength=len(vocabulary))
    made = bm25s.BM25(k1=k1, b=b, method="lucene")
    made.scores = {"data": data, "indices": texts, "indptr": starts, "num_docs": len(lengths)}
    made.vocab_dict, made.unique_token_ids_set = vocabulary, set(vocabulary.values())
    made.nonoccurrence_array = None
    return made


def _counted(parts: Iterable[Tokens], vocabulary: dict[str, int]) -> tuple[list[_Counts], NDArray[np.float64]]:
    """Count the words of each part, which join the vocabulary; return the counts, and each text's number of words."""
    counted, lengths, first = [], [np.empty(0, np.int64)], 0
    for ids, vocab in parts:
        numbers = np.zeros(max(vocab.values(), default=-1) + 1, np.int64)
        for word, number in vocab.items():
            numbers[number] = vocabulary.setdefault(word, len(vocabulary))
        of_part = np.fromiter(map(len, ids), np.int64, len(ids))
        words = numbers[np.fromiter(chain.from_iterable(ids), np.int64, int(of_part.sum()))]
        pairs, counts = np.unique(words * len(ids) + np.repeat(np.arange(len(ids)), of_part), return_counts=True)
        words, texts = np.divmod(pairs, max(1, len(ids)))
        counted.append(_Counts(words.astype(np.int32), (texts + first).astype(np.int32), counts.astype(np.int32)))
        lengths.append(of_part)
        first += len(ids)
    return counted, np.concatenate(lengths).astype(np.float64)


def _run_places(words: Ints) -> NDArray[np.int64]:
    """Return for each entry how many of the same word, which stand together, are before it."""
    begins = np.flatnonzero(np.diff(words, prepend=-1))
    runs = np.diff(begins, append=len(words))
    places: NDArray[np.int64] = np.arange(len(words)) - np.repeat(begins, runs)
    return places
