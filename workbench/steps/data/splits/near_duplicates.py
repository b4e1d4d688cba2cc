"""Near-duplicates: texts that say the same in almost the same words, found by MinHash and verified exactly.

Broder, On the resemblance and containment of documents, 1997: two texts resemble each other by the Jaccard similarity
of their word 3-grams; the smallest value of a random hash function is the same for both with that very probability.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt

from workbench.progress import listener
from workbench.records import Progress
from workbench.store.near_duplicates import (
    TEXT_KINDS,
    TextKind,
    grouped_fingerprint,
    text_page,
    texts_fingerprint,
    texts_of,
    write_groups,
)
from workbench.store.store import Store

THRESHOLD = 0.8  # Jaccard similarity above which two texts are near-duplicates
# Texts of up to so many words are compared by their words: of nine an exchanged one leaves 8 / 10, no near-duplicate.
SHORT = 9
# A pair at the threshold shares one of the bands with probability 1 - (1 - 0.8 ** 5) ** 16 = 0.998.
BANDS, BAND_ROWS = 16, 5
# Of its 80 hash functions 64 agree, give or take 3.6: some deviations below, two texts are not worth reading again.
AGREEING = 55
PAGE = 10_000  # texts read at once
PAIRS_AT_ONCE = 2_000
# A bucket of more texts is not compared pair by pair, but each with the first and with the one before.
LARGE_BUCKET = 16
VERSION = 1  # of all this: another one makes groups anew

Hashes: TypeAlias = npt.NDArray[np.uint64]

# Scripts without spaces between words: Thai to Myanmar, Khmer, kana, Han. There a letter counts as a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def refresh_near_duplicates(store: Store) -> None:
    """Group the queries and the relevant passages anew, if they have changed since they were grouped."""
    for kind in TEXT_KINDS:
        fingerprint = texts_fingerprint(store, kind) + VERSION
        if fingerprint != grouped_fingerprint(store, kind):
            write_groups(store, kind, near_duplicates(store, kind), fingerprint)


def near_duplicates(store: Store, kind: TextKind) -> dict[str, str]:
    """Return id -> group of the texts that have a near-duplicate; a group is named after its first member.

    Texts whose words are the same are always found, others with a probability of 0.99 or more. Memory: 320 bytes and
    an id for each text.
    """
    ids, same, signatures = _signatures(store, kind)
    groups = _Groups(len(ids))
    _, first, inverse = np.unique(same, return_index=True, return_inverse=True)
    for row, equal in enumerate(first[inverse].tolist()):
        groups.join(equal, row)
    first.sort()
    pairs = first[_similar_pairs(signatures[first])]
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        chunk = [pair for pair in pairs[start : start + PAIRS_AT_ONCE].tolist() if not groups.joined(*pair)]
        texts = texts_of(store, kind, {ids[row] for pair in chunk for row in pair})
        hashes = {text_id: shingles(words(text)) for text_id, text in texts.items()}
        for left, right in chunk:
            if jaccard(hashes[ids[left]], hashes[ids[right]]) > THRESHOLD:
                groups.join(left, right)
    return {ids[row]: ids[group] for row, group in groups.of_several()}


def words(text: str) -> list[str]:
    """Return the words of a text, whatever their case and punctuation; the text itself where it has none."""
    normalised = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(normalised) or normalised.split()


def shingles(tokens: Sequence[str]) -> Hashes:
    """Return the hashes of a text's word 3-grams, sorted, each once; of a short text those of its words."""
    hashes = np.fromiter((crc32(token.encode()) for token in tokens), np.uint64, len(tokens))
    if len(hashes) > SHORT:
        hashes = _mixed(_mixed(_mixed(hashes[:-2]) + hashes[1:-1]) + hashes[2:])
    return np.unique(hashes)


def jaccard(left: Hashes, right: Hashes) -> float:
    """Return the share of the shingles of two texts that both have."""
    shared = len(np.intersect1d(left, right, assume_unique=True))
    return shared / max(1, len(left) + len(right) - shared)


class _Groups:
    """Rows in groups, each named after its first row (union-find)."""

    def __init__(self, rows: int) -> None:
        self._parents = list(range(rows))

    def first(self, row: int) -> int:
        while (parent := self._parents[row]) != row:
            self._parents[row] = self._parents[parent]
            row = self._parents[row]
        return row

    def joined(self, left: int, right: int) -> bool:
        return self.first(left) == self.first(right)

    def join(self, left: int, right: int) -> None:
        first, second = sorted((self.first(left), self.first(right)))
        self._parents[second] = first

    def of_several(self) -> Iterator[tuple[int, int]]:
        """Yield each row of a group of two or more, with its group."""
        groups = [self.first(row) for row in range(len(self._parents))]
        sizes = np.bincount(groups, minlength=1)
        return ((row, group) for row, group in enumerate(groups) if sizes[group] > 1)


def _signatures(store: Store, kind: TextKind) -> tuple[list[str], Hashes, npt.NDArray[np.uint32]]:
    """Return the ids of all texts with words, a hash of each one's words, and its MinHash signature."""
    ids: list[str] = []
    same, signatures = [np.zeros(0, np.uint64)], [np.zeros((0, BANDS * BAND_ROWS), np.uint32)]
    after = ""
    while page := text_page(store, kind, after, PAGE):
        after = page[-1][0]
        rows = [(text_id, tokens) for text_id, text in page if (tokens := words(text))]
        if not rows:
            continue
        ids += [text_id for text_id, _ in rows]
        same.append(np.array([_digest(tokens) for _, tokens in rows], np.uint64))
        signatures.append(_minhash([shingles(tokens) for _, tokens in rows]))
        if len(page) == PAGE:  # of less nobody needs to wait
            listener()(Progress("near-duplicates", len(ids), 0, "texts", kind))
    return ids, np.concatenate(same), np.concatenate(signatures)


def _digest(tokens: Sequence[str]) -> int:
    """Return 64 bits that two lists of words share only if they are the same."""
    return int.from_bytes(blake2b("\x1f".join(tokens).encode(), digest_size=8).digest(), "big")


def _minhash(texts: Sequence[Hashes]) -> npt.NDArray[np.uint32]:
    """Return for each text the smallest value of each hash function over its shingles, `(texts, functions)`."""
    hashes = _mixed(np.concatenate(texts))
    starts = np.cumsum([0, *(len(text) for text in texts[:-1])])
    random = np.random.default_rng(VERSION)
    factors = random.integers(0, 2**63, BANDS * BAND_ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    offsets = random.integers(0, 2**64, BANDS * BAND_ROWS, dtype=np.uint64)
    columns = [
        np.minimum.reduceat((hashes * factor + offset) >> np.uint64(32), starts).astype(np.uint32)
        for factor, offset in zip(factors, offsets, strict=True)
    ]
    return np.stack(columns, axis=1)


def _similar_pairs(signatures: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Return the pairs of rows `(pairs, 2)` that agree in one band of their signatures or more, in order."""
    pairs = [np.zeros((0, 2), np.int64)]
    for band in range(BANDS):
        key = np.zeros(len(signatures), np.uint64)
        for column in range(band * BAND_ROWS, (band + 1) * BAND_ROWS):
            key = _mixed(key + signatures[:, column])
        order = np.argsort(key, kind="stable")
        edges = np.concatenate([[0], np.flatnonzero(np.diff(key[order])) + 1, [len(order)]])
        buckets = np.flatnonzero(np.diff(edges) > 1)
        for start in range(0, len(buckets), PAIRS_AT_ONCE):
            within = [_pairs_within(order[edges[b] : edges[b + 1]]) for b in buckets[start : start + PAIRS_AT_ONCE]]
            pairs.append(_agreeing(signatures, np.concatenate(within)))
    return np.unique(np.concatenate(pairs), axis=0)


def _agreeing(signatures: npt.NDArray[np.uint32], pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return those of the pairs whose signatures agree in enough places."""
    return np.concatenate(
        [
            part[np.count_nonzero(signatures[part[:, 0]] == signatures[part[:, 1]], axis=1) >= AGREEING]
            for part in np.array_split(pairs, len(pairs) // PAGE + 1)
        ]
    )


def _pairs_within(bucket: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the pairs of a bucket that are to be compared."""
    if len(bucket) <= LARGE_BUCKET:
        left, right = np.triu_indices(len(bucket), k=1)
        return np.stack([bucket[left], bucket[right]], axis=1)
    first = np.full(len(bucket) - 1, bucket[0])
    return np.concatenate([np.stack([first, bucket[1:]], axis=1), np.stack([bucket[:-1], bucket[1:]], axis=1)])


def _mixed(hashes: Hashes) -> Hashes:
    """Return hashes with all their bits spread (the finalizer of MurmurHash3)."""
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return hashes ^ (hashes >> np.uint64(33))
