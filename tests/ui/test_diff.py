"""The diff page: its order, its filters, an opened query, and the agreement with the teacher."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

import workbench as wb
from tests.conftest import QUERIES, run
from tests.steps.compare.answers.scripted import FirstWords
from tests.ui.pages import Visit, text_of
from workbench.records import Hit, Qrel
from workbench.store import Store
from workbench.ui.shell import tables

pytestmark = pytest.mark.slow


def test_next_and_previous_walk_through_the_queries(store: Store, visit: Visit) -> None:
    at = visit(store, "diff")
    first = at.query_params.get("query")
    assert first is None
    at.button(key="step-query-1").click().run()
    assert at.query_params["query"] in (["q1"], "q1", ["http://q/2?x=1"], "http://q/2?x=1")
    assert "2 of 2" in text_of(at)
    at.button(key="step-query--1").click().run()
    assert "1 of 2" in text_of(at)
    assert at.button(key="step-query--1").disabled


def test_of_many_rows_a_page_goes_to_the_browser(store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PAGE", 1)
    at = visit(store, "diff")
    assert (len(at.dataframe[-1].value), "Rows 1 to 1 of 2" in text_of(at)) == (1, True)
    first = at.dataframe[-1].value["query"][0]
    assert at.button(key="page-query-Previous 1").disabled
    at.button(key="page-query-Next 1").click().run()
    assert not at.exception
    assert "Rows 2 to 2 of 2" in text_of(at)
    assert "2 of 2" in text_of(at), "the first query of the page is opened"
    assert at.dataframe[-1].value["query"].tolist() != [first]
    assert at.button(key="page-query-Next 1").disabled


def test_the_diff_filters_by_what_happened_and_by_words(store: Store, visit: Visit) -> None:
    at = visit(store, "diff", show="worse")
    assert "1 of 1" in text_of(at)
    at.text_input(key="words").set_value("no such word").run()
    assert not at.exception
    assert "No query passes this filter" in text_of(at)


def test_the_diff_is_ordered_by_a_rank_similarity_and_filtered_by_word_and_length(store: Store, visit: Visit) -> None:
    at = visit(store, "diff", by="RBO")
    assert "by RBO, test: mean" in text_of(at)
    assert "1 of 2" in text_of(at)
    assert "1 of 1" in text_of(visit(store, "diff", first="where"))
    assert "No query passes this filter" in text_of(visit(store, "diff", length="over 9 words"))
    assert "Of 2 queries that toy scored, 1 moved toward its order" in text_of(at)


def test_the_diff_filters_by_tag_and_its_link_keeps_every_filter(store: Store, visit: Visit) -> None:
    assert "Tag" not in [picker.label for picker in visit(store, "diff").selectbox]
    tag = "<b>*who* & what</b>"
    store.add_collection([query._replace(tags=(tag, "all")) for query in QUERIES[:1]])
    at = visit(store, "diff", tag=tag, first="what", length="up to 9 words", show="better", words="oil")
    assert "1 of 1" in text_of(at)
    assert tag in at.selectbox(key="tag").options
    code_blocks = [element.value for element in at.code]
    shell, cell, address = (
        next(text for text in code_blocks if part in text) for part in ("diff before after", "wb.Filters", "/diff?")
    )
    assert f"--words oil --first-word what --max-length 9 --tag '{tag}'" in shell
    assert f"tag={tag!r}" in cell
    link = parse_qs(urlsplit(address).query)
    wanted = {"tag": tag, "first": "what", "length": "up to 9 words", "show": "better", "words": "oil"}
    assert {name: link[name] for name in wanted} == {name: [value] for name, value in wanted.items()}
    assert "“nobody’s” under “Tag”" in text_of(visit(store, "diff", tag="nobody’s"))
    assert "No query passes this filter" in text_of(visit(store, "diff", tag=tag, show="worse"))
    shown = visit(store, "overview")
    assert "Tags" in [heading.value for heading in shown.header]


def test_the_diff_compares_what_nobody_judged(store: Store, visit: Visit) -> None:
    for name in ("before", "after"):
        store.add_run(run(name, "dev"), [Hit(f"{name}@dev", "q4", "03", 1, 0.5), Hit(f"{name}@dev", "q4", "ü", 2, 0.4)])
    words = text_of(visit(store, "diff", split="dev"))
    assert "The rankings are compared with one another instead" in words
    assert "by RBO, dev: mean 1.000" in words
    assert "query q4, dev split" in words


def test_the_diff_offers_measures_with_a_threshold_where_qrels_are_graded(store: Store, visit: Visit) -> None:
    assert "is not there" in text_of(visit(store, "diff", measure="AP(rel=2)"))
    store.add_collection([], [], [Qrel("q1", "p 2", 2)])
    assert "on AP(rel=2), test: 0 better, 1 worse, 1 the same of 2 judged queries (1 of them without" in text_of(
        visit(store, "diff", measure="AP(rel=2)")
    )


def test_the_diff_shows_all_students_at_once_where_there_are_three(store: Store, visit: Visit) -> None:
    assert not visit(store, "diff").toggle
    store.add_run(run("third"), [Hit("third@test", "q1", "p/1", 1, 0.5)])
    words = text_of(visit(store, "diff", everyone="true"))
    assert "Each against before. Of many the best is flattered" in words
    assert "To choose among the 2 comparisons, adjusted for all of them (Holm): 2 no difference shown." in words


def test_the_opened_query_shows_three_orders_with_movement_and_judgements(store: Store, visit: Visit) -> None:
    words = text_of(visit(store, "diff", query="q1"))
    for expected in (
        "Before",
        "After",
        "Teacher",
        "▲ up 2",
        "▼ down 1",
        "relevant",
        "useful +2.00",
        "useless -0.50",
        "moved toward the teacher",
    ):
        assert expected in words, expected
    assert "after: rank 1" in words


def test_a_reader_s_answers_are_compared_like_rankings(store: Store, visit: Visit) -> None:
    for student in ("before", "after"):
        wb.read(store, student, FirstWords(), depth=1)
    measure = "F1(first-words-2)@1"
    store.add_run(run("unread"), [Hit("unread@test", "q1", "03", 1, 0.5)])
    at = visit(store, "diff", before="before", after="after", measure=measure, everyone="true")
    assert not at.exception
    assert f"after against before on {measure}, test: 2 better" in text_of(at)
    opened = visit(store, "diff", before="before", after="after", measure=measure, query="q1")
    answers = next(table.value for table in opened.dataframe if "reference answers" in table.value.columns)
    assert answers["answer"].tolist() == ["Oil is", "The embargo"]
    assert measure not in visit(store, "diff", before="before", after="unread").selectbox(key="measure").options
    overview = visit(store, "overview")
    assert not overview.exception
    assert any(measure in table.value.columns for table in overview.dataframe)
    students = visit(store, "students", measure=measure)
    assert not students.exception
