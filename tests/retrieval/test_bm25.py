"""The lexical baseline: similarities by the formula, hits only for shared words."""

from __future__ import annotations

import sys
from math import log

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.records import Passage, Progress
from workbench.retrieval.bm25 import BM25, BM25Settings
from workbench.retrieval.ranking import Collection

PLAIN = BM25Settings(language="")
PASSAGES = [
    Passage("p1", "Oil", "The embargo of 1973 raised the price of oil."),
    Passage("p2", "Oil", "Oil is a liquid."),
    Passage("p3", "", "Rivers run to the sea."),
    Passage("p4", "", "Rivers run to the sea."),
]
COLLECTION = Collection.of(PASSAGES)


def _similarity(tf: int, df: int, words: int, average: float, number: int) -> float:
    """Return one word's share: Lucene's idf, with k1 0.9 and b 0.4."""
    idf = log(1 + (number - df + 0.5) / (df + 0.5))
    return idf * tf / (tf + 0.9 * (1 - 0.4 + 0.4 * words / average))


def test_parts_are_indexed_as_bm25s_indexes_the_whole() -> None:
    draw = np.random.default_rng(0)
    texts = [" ".join(f"w{n}s" for n in draw.zipf(1.3, size) if n < 500) for size in draw.integers(0, 40, 90)]
    passages = [Passage(f"{number:02d}", "", text) for number, text in enumerate(texts)]
    collection = Collection(Collection.of(passages).ids, lambda: [passages[:1], passages[1:50], passages[50:]])
    for settings in (PLAIN, BM25Settings()):
        ranker = BM25(collection, settings)
        expected = bm25s.BM25(k1=0.9, b=0.4, method="lucene")
        tokens = ranker._words([passage.content for passage in passages], return_ids=True)
        expected.index(tokens, create_empty_token=False, show_progress=False)
        made, vocabulary = ranker._index
        assert vocabulary.keys() == tokens.vocab.keys()
        for word, number in vocabulary.items():
            theirs = expected.get_scores_from_ids([tokens.vocab[word]])
            np.testing.assert_allclose(made.get_scores_from_ids([number]), theirs, rtol=1e-6)


def test_gives_the_formulas_similarities() -> None:
    nearest = BM25(COLLECTION, PLAIN).search(["Oil price"], 4)
    average = (10 + 5 + 5 + 5) / 4
    assert nearest.rows.tolist() == [[0, 1, -1, -1]]
    first = _similarity(2, 2, 10, average, 4) + _similarity(1, 1, 10, average, 4)
    assert nearest.similarities[0, :2] == pytest.approx([first, _similarity(2, 2, 5, average, 4)], rel=1e-5)
    assert nearest.similarities[0, 2] == -np.inf


def test_a_passage_without_a_shared_word_is_no_hit_but_has_a_place() -> None:
    retriever = BM25(COLLECTION, PLAIN)
    (placed,) = retriever.place(["sea"], [[0, 1, 2, 3]])
    assert placed.ranks.tolist() == [4, 3, 2, 1]
    assert placed.similarities[:2].tolist() == [0.0, 0.0]
    assert retriever.search(["sea"], 10).rows[0, :3].tolist() == [3, 2, -1]


@pytest.mark.parametrize("query", ["", "?!", "unheard", "…"])
def test_a_query_without_a_known_word_finds_nothing(query: str) -> None:
    assert (BM25(COLLECTION, PLAIN).search([query], 2).rows == -1).all()


def test_a_collection_without_words_finds_nothing() -> None:
    retriever = BM25(Collection.of([Passage("a", "", "…"), Passage("b", "", "!")]), PLAIN)
    assert (retriever.search(["a"], 2).rows == -1).all()
    assert retriever.place(["a"], [[0, 1]])[0].ranks.tolist() == [2, 1]


words = st.lists(st.sampled_from(["oil", "sea", "salt", "run", "to"]), max_size=5).map(" ".join)


@examples(60)
@given(st.lists(words, min_size=1, max_size=12), words, st.integers(1, 6))
def test_search_is_the_head_of_place(texts: list[str], query: str, k: int) -> None:
    retriever = BM25(Collection.of([Passage(f"{number:02d}", "", text) for number, text in enumerate(texts)]), PLAIN)
    (placed,) = retriever.place([query], [range(len(texts))])
    expected = [row for row in np.argsort(placed.ranks) if placed.similarities[row] > 0][:k]
    nearest = retriever.search([query], k)
    assert [row for row in nearest.rows[0] if row >= 0] == expected
    assert sorted(placed.ranks) == list(range(1, len(texts) + 1))
    shared = [row for row, text in enumerate(texts) if set(text.split()) & set(query.split())]
    assert sorted(np.flatnonzero(placed.similarities > 0)) == shared


def test_english_stems_and_stop_words() -> None:
    pytest.importorskip("Stemmer", reason="PyStemmer is not installed")
    retriever = BM25(COLLECTION)
    assert retriever.search(["running river"], 4).rows[0, :2].tolist() == [3, 2]
    assert (retriever.search(["to the"], 4).rows == -1).all()
    with pytest.raises(UnknownName, match="klingon"):
        BM25(COLLECTION, BM25Settings(language="klingon"))


def test_says_what_to_install_for_stems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "Stemmer", None)
    with pytest.raises(BadSetting, match="pip install PyStemmer"):
        BM25(COLLECTION)


def test_tells_how_far_it_is() -> None:
    heard: list[Progress] = []
    ranker = BM25(COLLECTION, PLAIN)
    ranker.search(["oil"] * 3, 1, heard.append)
    *indexing, _, _ = heard
    assert [(at.step, at.done) for at in indexing] == [("index", 0), ("index", len(PASSAGES))]
    searching = heard[2:]
    assert [(progress.done, progress.total) for progress in searching] == [(0, 3), (3, 3)]
    ranker.search(["oil"], 1, heard.append)
    assert [progress.step for progress in heard].count("index") == 2


def test_refuses_what_cannot_be_searched() -> None:
    with pytest.raises(NothingToDo, match="no passages"):
        BM25(Collection.of([]), PLAIN)
    with pytest.raises(BadSetting, match="depth"):
        BM25(COLLECTION, PLAIN).search(["oil"], 0)
    with pytest.raises(BadSetting, match="b is 2"):
        BM25Settings(b=2)
