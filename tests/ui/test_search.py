"""The page Search: a typed query, one of the collection's, rankings side by side, and a query kept to annotate."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from tests.steps.classes import base, collection
from tests.ui.copied import reproduction, run_cell, run_line, tiles
from tests.ui.pages import NASTY, Visit, button, html_of, press, text_of
from workbench import jobs
from workbench.records import Passage, Qrel, Query
from workbench.store import Store, views
from workbench.ui.search import searchers


@pytest.fixture
def searched(tmp_path: Path) -> tuple[Store, str]:
    """Return a workspace where BM25 and an untrained student were evaluated, and the student."""
    store, student = collection(tmp_path / "ws"), base(tmp_path / "base")
    qrels = [Qrel("asked", f"p3-{copy}", 1) for copy in range(3)]
    store.add_collection([Query("asked", "Where is the answer3?", ("answer3",), "test")], qrels=qrels)
    for name in ("bm25", student):
        wb.evaluate(store, name)
    return store, student


def columns(at: AppTest) -> list[str]:
    """Return the passages' cards of each column, as HTML."""
    return [block.value for block in at.html if 'class="wb-column' in block.value]


def test_a_typed_query_is_ranked_side_by_side(searched: tuple[Store, str], visit: Visit) -> None:
    store, _ = searched
    at = visit(store, "search")
    assert "Type a query and press Enter" in text_of(at)
    at.text_input(key="q").set_value("Where is answer3?").run()
    assert not at.exception
    assert len(columns(at)) == 2
    assert "p3-" in columns(at)[0]
    assert '<mark class="wb-term">answer3</mark>' in columns(at)[0]
    assert "wb-move" in columns(at)[1]
    assert set(tiles(at)) == {"BM25", "Untrained student"}
    assert "encode" in tiles(at)["Untrained student"][1]
    assert "not judged" not in columns(at)[0]


def test_a_query_of_the_collection_has_relevant_passages_and_a_teacher(
    searched: tuple[Store, str], visit: Visit
) -> None:
    store, _ = searched
    at = visit(store, "search", query="asked", rerank="lexical", first="5")
    assert at.text_input(key="q").value == views.query(store, "asked").text
    assert len(columns(at)) == 3
    assert "relevant" in columns(at)[0]
    assert "utility +" in columns(at)[2]
    assert "rerank" in tiles(at)["Re-ranked by the teacher"][1]
    words = text_of(at)
    assert "query asked, test split" in words
    assert {link.proto.label for link in at.get("page_link")} >= {"Annotate it", "This query in Diff"}
    at.text_input(key="q").set_value("Where is answer4?").run()
    assert "query" not in at.query_params
    assert "reads reference answers" in text_of(at)


def test_the_picker_finds_queries_by_words_and_id(searched: tuple[Store, str], visit: Visit) -> None:
    at = visit(searched[0], "search")
    at.text_input(key="find").set_value("TEST5").run()
    (option,) = at.selectbox(key="taken").options
    assert option.endswith("(test5)")
    at.selectbox(key="taken").select("test5").run()
    assert at.query_params["query"] == "test5"
    assert "query test5, test split" in text_of(at)
    press(at, "Next")
    assert at.query_params["query"] == "test6"
    assert at.text_input(key="q").value == views.query(searched[0], "test6").text
    assert "8 of 9 in test" in text_of(at)


def test_a_link_opens_the_search_it_names(searched: tuple[Store, str], visit: Visit) -> None:
    store, _ = searched
    at = visit(store, "search", q="Where is answer3?", students=["bm25"])
    assert len(columns(at)) == 1
    at = visit(store, "search", query="gone", students=["bm25", "nobody"])
    assert "The link names the query “gone”, which is not in this workspace" in text_of(at)
    assert "The link asks for “nobody” under “Students”" in text_of(at)


def test_it_can_be_reproduced(searched: tuple[Store, str], visit: Visit) -> None:
    store, student = searched
    for params in ({"q": "where is answer3?", "students": [student, "bm25"]}, {"query": "asked", "rerank": "lexical"}):
        at = visit(store, "search", **params)
        copied = reproduction(at)
        (result,) = map(run_line, copied.lines)
        rankings = [[hit["passage_id"] for hit in ranking["hits"]] for ranking in result["rankings"]]
        frame = run_cell(copied.cell)["_"]
        assert frame["passage_id"].tolist() == [one for ids in rankings for one in ids]
        assert len(rankings) == len(columns(at))
        for ids, shown in zip(rankings, columns(at), strict=True):
            assert [shown.count(f'data-passage="{one}"') for one in ids] == [1] * len(ids)


def test_keeping_a_query_opens_it_in_annotate(searched: tuple[Store, str], visit: Visit) -> None:
    store, student = searched
    at = visit(store, "search", q="Where is answer3?")
    button(at, "Keep it as a query to annotate").click().run()
    assert not at.exception
    assert at.title[0].value == "Annotate"
    (query,) = views.queries(store, "")
    assert query.text == "Where is answer3?"
    assert at.query_params["query"] == query.query_id
    assert at.selectbox(key="student").value == student
    assert at.selectbox(key="split").value == "none"
    assert "which is not" not in text_of(at)
    assert "Where is answer3?" in text_of(at)


def test_what_is_lacking_is_said_with_the_button_that_mends_it(
    searched: tuple[Store, str], visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, student = searched
    store.add_collection(passages=[Passage("new", "", "answer1 of answer2")])
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(jobs, "start", lambda _, arguments: started.append(tuple(arguments)))
    at = visit(store, "search", q="answer1")
    assert f"{student}: it has not encoded all passages: 1 of 25 are to be encoded." in text_of(at)
    assert len(columns(at)) == 1, "BM25 needs no encoding"
    button(at, "Make the indexes").click().run()
    assert started == [("search", "answer1", "--student", student)]
    wb.search(store, "answer1", [student])
    assert len(columns(visit(store, "search", q="answer1"))) == 2


def test_many_passages_are_never_indexed_by_the_page(
    searched: tuple[Store, str], visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searchers, "AT_ONCE", 10)
    at = visit(searched[0], "search", q="words", query="asked", rerank="lexical")
    assert text_of(at).count("there is no index of the 24 passages yet") == 2
    assert columns(at) == []
    assert not (searched[0].path / "kept").exists()


def test_a_model_is_loaded_only_when_a_person_asks(searched: tuple[Store, str], visit: Visit) -> None:
    at = visit(searched[0], "search", q="answer3", rerank="cross_encoder", model="/nowhere")
    assert "Load the model" in [one.label for one in at.button]
    assert len(columns(at)) == 2
    assert "endpoint" not in at.selectbox(key="rerank").options


def test_foreign_text_is_shown_as_text(searched: tuple[Store, str], visit: Visit) -> None:
    store, _ = searched
    store.add_collection(passages=[Passage("n<1>", NASTY, f"{NASTY} " * 300)])
    at = visit(store, "search", q=f"{NASTY} \u202e \x07", students=["bm25"])
    raw = "".join(html_of(at))
    assert "n&lt;1&gt;" in raw
    assert "<script" not in raw
    assert "[the first 1,200 of" in raw
    assert "alert" not in "".join(str(one.value) for kind in (at.markdown, at.caption) for one in kind)
