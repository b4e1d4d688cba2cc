"""Search: rankings of one query are those of an evaluation, side by side, timed, and from indexes that are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.shell import shell, worked
from tests.steps.classes import base, collection
from workbench.errors import BadSetting, NothingToDo
from workbench.records import Passage, Qrel, Query
from workbench.retrieval.encoder import Encoder
from workbench.steps.compare.searching import indexes
from workbench.steps.compare.searching.indexes import kept_index, searcher
from workbench.steps.compare.searching.results import movement
from workbench.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = collection(tmp_path / "ws")
    qrels = [Qrel("asked", f"p3-{copy}", 1) for copy in range(3)]
    store.add_collection([Query("asked", "Where is answer3?", ("answer3",), "test")], qrels=qrels)
    return store


@pytest.fixture
def student(tmp_path: Path) -> str:
    return base(tmp_path / "base")


def test_the_rankings_are_those_of_an_evaluation(store: Store, student: str) -> None:
    for name in ("bm25", student):
        wb.evaluate(store, name, depth=7)
    query = wb.views.query(store, "asked")
    result = wb.search(store, query, ["bm25", student], depth=7)
    for ranking in result.rankings:
        hits = wb.views.hits(store, wb.views.find_run(store, ranking.ranker, "test"), ["asked"])
        assert [(hit.passage_id, hit.rank) for hit in ranking.hits] == [hit[2:4] for hit in hits if hit.rank <= 7]
        assert [hit.score for hit in ranking.hits] == pytest.approx([hit.similarity for hit in hits if hit.rank <= 7])
    assert [ranking.unit for ranking in result.rankings] == ["BM25", "cosine"]
    lexical, dense = (ranking.times for ranking in result.rankings)
    assert (lexical.encode, lexical.rerank, dense.rerank) == (None, None, None)
    assert dense.encode
    assert dense.total == dense.encode + (dense.search or 0)


def test_a_passage_says_where_it_comes_from_and_whether_it_is_relevant(store: Store, student: str) -> None:
    store.add_collection(qrels=[Qrel("asked", "p5-0", 0)])
    first, second = wb.search(store, wb.views.query(store, "asked"), ["bm25", student], depth=24).rankings
    ranks = {hit.passage_id: hit.rank for hit in first.hits}
    assert not any(hit.movement for hit in first.hits)
    assert second.against == "bm25"
    for hit in second.hits:
        assert hit.movement == movement(hit.rank, ranks.get(hit.passage_id))
        assert hit.relevant == (hit.passage_id in {"p3-0", "p3-1", "p3-2"})
        assert hit.relevance == {"p5-0": 0}.get(hit.passage_id, 1 if hit.relevant else None)
    assert [movement(3, before) for before in (None, 3, 5, 1)] == ["new", "stays", "up 2", "down 2"]
    typed = wb.search(store, "answer3", [student]).rankings[0]
    assert {(hit.relevance, hit.relevant) for hit in typed.hits} == {(None, False)}


def test_a_teacher_puts_the_first_ones_in_order(store: Store) -> None:
    query = wb.views.query(store, "asked")
    result = wb.search(store, query, ["bm25"], wb.teacher("lexical"), depth=6, rerank_depth=4)
    first, best = result.rankings
    assert best.ranker.startswith("rerank:lexical:")
    assert best.ranker.endswith("@4/bm25")
    assert (best.against, best.unit, best.times.search) == ("bm25", "nats per token", first.times.search)
    assert best.times.rerank
    assert {hit.passage_id for hit in best.hits} == {hit.passage_id for hit in first.hits[:4]}
    values = [hit.score for hit in best.hits]
    assert values == sorted(values, reverse=True)
    typed = wb.search(store, query.text, ["bm25"], wb.teacher("lexical")).rankings[1]
    assert (typed.hits, typed.times.total) == ((), 0)
    assert "reads reference answers" in typed.problem


def test_an_index_is_made_once_and_follows_the_passages(
    store: Store, student: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wb.search(store, "question3", ["bm25", student])
    encoded: list[str] = []
    monkeypatch.setattr(Encoder, "passages", lambda self, texts, listen=None: encoded.extend(texts))
    again = wb.search(store, "question3", ["bm25", student])
    assert encoded == []
    assert isinstance(searcher(store, student)._retriever._collection.vectors, np.memmap), "read from the disk"
    monkeypatch.undo()
    store.add_collection(passages=[Passage("p3-9", "", "question3 question3")])
    index = kept_index(store, student)
    assert index
    assert (index.is_made, index.is_stale, index.passages_to_encode()) == (False, True, 1)
    newer = wb.search(store, "question3", ["bm25", student])
    assert (again.passages, newer.passages) == (24, 25)
    assert {ranking.hits[0].passage_id for ranking in newer.rankings} == {"p3-9"}


def test_the_indexes_that_are_kept_are_few(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "INDEXES", 2)
    for number in range(4):
        store.add_collection(passages=[Passage(f"new{number}", "", "more")])
        wb.search(store, "more", ["bm25"])
    assert len(list((store.path / "kept").glob("index-*"))) == 2


def test_texts_are_read_part_by_part(store: Store) -> None:
    parts = list(wb.views.passage_parts(store, at_once=10))
    assert [len(part) for part in parts] == [10, 10, 4]
    read = [passage for part in parts for passage in part]
    assert sorted(read) == wb.views.passages(store)
    assert wb.views.passage_ids(store).to_pylist() == [passage.passage_id for passage in read]
    begun = wb.views.passage_parts(store, at_once=20)
    assert len(next(begun)) == 20
    store.add_collection(passages=[Passage("p0-9", "", "since then")])
    assert len(next(begun)) == 4
    assert next(begun, None) is None


def test_a_query_that_one_cannot_search_for_leaves_the_others(store: Store, student: str) -> None:
    lexical, dense = wb.search(store, "!?", ["bm25", student]).rankings
    assert (lexical.hits, lexical.problem) == ((), "No passage shares a word with the query.")
    assert dense.hits or dense.problem


def test_what_cannot_be_searched_for_is_refused(store: Store, student: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="The query is empty"):
        wb.search(store, " \n", ["bm25"])
    with pytest.raises(BadSetting, match="No student is named"):
        wb.search(store, "question3", [])
    with pytest.raises(BadSetting, match="A depth is 0"):
        wb.search(store, "question3", ["bm25"], depth=0)
    for name in ("bm25", student):
        with pytest.raises(NothingToDo, match="no passages to search"):
            wb.search(Store(tmp_path / "empty", create=True), "question3", [name])


def test_passages_without_a_word_have_an_index_too(tmp_path: Path) -> None:
    store = Store(tmp_path / "ws", create=True)
    store.add_collection([Query("-1", "...", (), "")], [Passage("-é 1", "", "?!"), Passage("2", "", "…")])
    for _ in range(2):
        assert wb.search(store, wb.views.query(store, "-1"), ["bm25"]).rankings[0].hits == ()


def test_the_shell_searches_and_keeps(store: Store) -> None:
    printed = worked("search", "answer3 x1", "--student", "bm25", "--depth", 3, "--json", workspace=store.path)
    assert [hit["rank"] for hit in printed.json["rankings"][0]["hits"]] == [1, 2, 3]
    printed = worked(
        "search", "--query", "asked", "--student", "bm25", "--rerank", "lexical", "--keep", "none", workspace=store.path
    )
    assert "relevant" in printed.out
    assert "The workspace has it as query asked, in test" in printed.out
    assert "One query is to be asked" in shell("search", workspace=store.path).err
    assert "There is no split named 'holdout'" in shell("search", "x", "--keep", "holdout", workspace=store.path).err
