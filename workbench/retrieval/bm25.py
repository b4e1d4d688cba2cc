"""BM25, the lexical baseline: a student without a model, with the same rules of ranking as every other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting, UnknownName
from workbench.records import Listener, Progress, silent
from workbench.retrieval.index import postings
from workbench.retrieval.index.postings import Tokens
from workbench.retrieval.ranking import (
    Collection,
    Nearest,
    Placement,
    best_rows,
    check_depth,
    no_hits,
    placements,
    tie_order,
)
from workbench.students import BM25 as NAME

# Every run of letters and digits is a word, single ones too: "vitamin C", "World War 2".
WORD = r"(?u)\b\w+\b"
QUERIES_AT_ONCE = 256


@dataclass(frozen=True)
class BM25Settings:
    """`k1` and `b` as in Anserini's defaults; `language` picks stop words and Snowball stemmer, "" means neither.

    On squad_dev (dev, nDCG@10) English stop words and stems give 0.865, neither of them 0.840.
    """

    k1: float = 0.9
    b: float = 0.4
    language: str = "english"

    def __post_init__(self) -> None:
        if not (self.k1 >= 0 and 0 <= self.b <= 1):
            raise BadSetting(f"k1 is {self.k1} and b is {self.b}.", "k1 must not be negative, b lies between 0 and 1.")


class BM25:
    """BM25 over title and text of a collection (Robertson and Zaragoza 2009; Lucene's variant, by bm25s).

    A passage that shares no word with a query has similarity 0. Such a passage is no hit: `search` leaves it out.
    `place` still gives its rank, behind all hits, in the order of ties.
    """

    def __init__(self, collection: Collection, settings: BM25Settings | None = None) -> None:
        self.collection = collection
        self.settings = settings or BM25Settings()
        self.order = tie_order(collection.ids)
        self._stopwords, self._stemmer = _language(self.settings.language)

    @property
    def name(self) -> str:
        """Return the reserved name of the lexical baseline."""
        return NAME

    def search(self, queries: Sequence[str], k: int, listen: Listener = silent) -> Nearest:
        """Return the k best passages of each query among those that share a word with it."""
        check_depth(k)
        nearest = no_hits(len(queries), k)
        for query, similarities in enumerate(self._similarities(queries, listen)):
            hits = np.flatnonzero(similarities > 0)
            if len(hits) > k:
                least = np.partition(similarities[hits], -k)[-k]
                hits = hits[similarities[hits] >= least]
            best = hits[best_rows(similarities[hits], self.order[hits], k)]
            nearest.fill(query, best, similarities[best])
        return nearest

    def place(
        self, queries: Sequence[str], rows: Sequence[Sequence[int]], listen: Listener = silent
    ) -> list[Placement]:
        """Return ranks and similarities of given passages for each query, also of those that share no word with it."""
        return placements(self._similarities(queries, listen), self.order, rows)

    def save(self, folder: Path, listen: Listener = silent) -> None:
        """Write the index into a folder, which is not made if no passage has a word."""
        index, word_ids = self._indexed(listen)
        if word_ids:
            index.save(folder, show_progress=False)

    def _similarities(self, queries: Sequence[str], listen: Listener) -> Iterator[NDArray[np.float32]]:
        """Yield the similarities of the whole collection for each query in turn."""
        index, word_ids = self._indexed(listen)
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            listen(Progress("search", start, len(queries), "queries", self.name))
            for words in self._words(queries[start : start + QUERIES_AT_ONCE], return_ids=False):
                ids = [word_ids[word] for word in words if word in word_ids]
                yield index.get_scores_from_ids(ids) if ids else np.zeros(len(self.order), np.float32)
        listen(Progress("search", len(queries), len(queries), "queries", self.name))

    def _indexed(self, listen: Listener) -> tuple[Any, dict[str, int]]:
        """Return the index and its word ids, made when they are first asked for."""
        if "_index" in vars(self):
            return self._index
        size = len(self.collection)
        listen(Progress("index", 0, size, "passages", self.name))
        index = self._index
        listen(Progress("index", size, size, "passages", self.name))
        return index

    @cached_property
    def _index(self) -> tuple[Any, dict[str, int]]:
        """The bm25s index and its word ids; a collection without words has none, and every similarity is 0."""
        parts = (Tokens(*self._words(texts, return_ids=True)) for texts in self.collection.texts())
        index = postings.index(parts, self.settings.k1, self.settings.b)
        return index, index.vocab_dict

    def _words(self, texts: Sequence[str], return_ids: bool) -> Any:
        import bm25s

        return bm25s.tokenize(
            list(texts),
            token_pattern=WORD,
            stopwords=self._stopwords,
            stemmer=self._stemmer,
            return_ids=return_ids,
            show_progress=False,
        )


def _language(language: str) -> tuple[list[str], Any]:
    """Return the stop words and the stemmer of a language, none of either for ""."""
    if not language:
        return [], None
    from bm25s.tokenization import _infer_stopwords

    try:
        import Stemmer
    except ImportError as error:
        raise BadSetting(
            f"BM25 in {language} needs a stemmer, and the package PyStemmer is not installed.",
            "pip install PyStemmer, or set BM25's language to '' to do without stop words and stems.",
        ) from error
    if language not in Stemmer.algorithms():
        raise UnknownName("language for BM25", language, sorted(Stemmer.algorithms()))
    try:
        stopwords = list(_infer_stopwords(language))
    except ValueError:
        # Stems without stop words lose little: a word that is in every passage weighs next to nothing.
        stopwords = []
    return stopwords, Stemmer.Stemmer(language)
