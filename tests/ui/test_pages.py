"""The dashboard without a browser: every page, on a full, an empty and a missing workspace, and with bad links."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from tests.conftest import PASSAGES, QUERIES, run, utility
from workbench import jobs
from workbench.html.marking import answer_found, marked, terms
from workbench.losses import LOSSES
from workbench.records import Candidate, Hit, Passage, Qrel, Query
from workbench.steps.annotate.annotate import annotate
from workbench.store import Store, views
from workbench.trainer import PRESETS
from workbench.ui.shell import cache

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("overview", "utility", "train", "students", "diff", "annotate")
NASTY = '<script>alert(1)</script> $math$ **bold** :red[x] ![](http://x) </div> ":material/home:" [a](javascript:b)'


@pytest.fixture(autouse=True)
def _fresh_caches() -> None:
    cache._answer.clear()


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that opens a page of a workspace by its link."""

    def opened(where: Store | Path, page: str, **params: str) -> AppTest:
        monkeypatch.setenv("WORKBENCH_WORKSPACE", str(where.path if isinstance(where, Store) else where))
        at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        usual = {"before": "before", "after": "after"} if page == "diff" else {}
        for name, value in (usual | params).items():
            at.query_params[name] = value
        at.switch_page(f"pages/{page}.py")
        at.run()
        assert not at.exception, at.exception[0].message
        return at

    return opened


def said(at: AppTest) -> str:
    """Return all that a page says, as a person reads it."""
    kinds = (at.title, at.subheader, at.markdown, at.text, at.error, at.warning, at.caption, at.code, at.success)
    words = [str(element.value) for kind in kinds for element in kind]
    pages = [unescape(re.sub(r"<[^>]*>", " ", element.value)) for element in html(at) if "<style>" not in element.value]
    return "\n".join([*words, *pages]).replace("\\", "")


def html(at: AppTest) -> list[Any]:
    return list(at.html)


SAYS = {
    "overview": "4 queries over 4 passages",
    "utility": "how useful toy finds the passage",
    "train": "Start training",
    "students": "Try many recipes",
    "diff": "after against before on nDCG@10, test: 1 better, 1 worse, 0 the same of 2",
    "annotate": "Why it is here",
}


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_a_workspace(store: Store, visit: Any, page: str) -> None:
    at = visit(store, page)
    words = said(at) + " ".join(button.label for button in at.button)
    assert SAYS[page] in words
    assert at.title[0].value == page.title()
    assert str(store.path) in words
    assert "wb-number" in "".join(element.value for element in html(at)) or page in ("train", "students", "annotate")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_tells_an_empty_workspace_what_comes_first(empty: Store, visit: Any, page: str) -> None:
    words = said(visit(empty, page))
    assert "workbench " in words.replace(str(empty.path), "")
    assert "Nothing here yet" in words or "Next: ingest" in words


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_workspace_is_said_and_not_made(tmp_path: Path, visit: Any, page: str) -> None:
    at = visit(tmp_path / "nowhere", page)
    assert "There is no workspace in" in said(at)
    assert "workbench demo" in said(at)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("page", "params", "words"),
    [
        ("diff", {"before": "nobody"}, "The link asks for “nobody” under “Before”"),
        ("diff", {"measure": "nDCG@1e9"}, "The link asks for “nDCG@1e9” under “Measure”"),
        ("diff", {"query": "gone & forgotten"}, "The link names the query “gone & forgotten”"),
        ("diff", {"split": "holdout"}, "The link asks for “holdout” under “Split”"),
        ("utility", {"teacher": "nobody:1"}, "The link asks for “nobody:1” under “Teacher”"),
        ("utility", {"student": "<b>x</b>", "query": "x"}, "The link asks for “<b>x</b>” under “Student”"),
        ("annotate", {"rule": "bad rule"}, "The link asks for “bad rule” under “Rule”"),
        ("annotate", {"query": "q1", "passage": "no such"}, "The link names a case that is not in this queue"),
    ],
)
def test_a_link_to_what_is_not_there_is_answered_in_words(
    store: Store, visit: Any, page: str, params: dict[str, str], words: str
) -> None:
    assert words in said(visit(store, page, **params))


@pytest.mark.parametrize(("page", "query"), [("diff", "http://q/2?x=1"), ("diff", "q1"), ("utility", "http://q/2?x=1")])
def test_a_link_opens_the_query_it_names(store: Store, visit: Any, page: str, query: str) -> None:
    words = said(visit(store, page, query=query))
    assert f"query {query}, test split" in words


def test_next_and_previous_walk_through_the_queries(store: Store, visit: Any) -> None:
    at = visit(store, "diff")
    first = at.query_params.get("query")
    assert first is None
    at.button(key="step-query-1").click().run()
    assert at.query_params["query"] in (["q1"], "q1", ["http://q/2?x=1"], "http://q/2?x=1")
    assert "2 of 2" in said(at)
    at.button(key="step-query--1").click().run()
    assert "1 of 2" in said(at)
    assert at.button(key="step-query--1").disabled


def test_the_diff_filters_by_what_happened_and_by_words(store: Store, visit: Any) -> None:
    at = visit(store, "diff", show="worse")
    assert "1 of 1" in said(at)
    at.text_input(key="words").set_value("no such word").run()
    assert not at.exception
    assert "No query answers to this filter" in said(at)


def test_the_diff_is_ordered_by_a_contrast_and_filtered_by_word_and_length(store: Store, visit: Any) -> None:
    at = visit(store, "diff", by="RBO")
    assert "by RBO, test: mean" in said(at)
    assert "1 of 2" in said(at)
    assert "1 of 1" in said(visit(store, "diff", first="where"))
    assert "No query answers to this filter" in said(visit(store, "diff", length="over 9 words"))
    assert "Of 2 queries that toy scored, 1 moved toward its order" in said(at)


def test_the_diff_filters_by_tag_and_its_link_keeps_every_filter(store: Store, visit: Any) -> None:
    assert "Tag" not in [picker.label for picker in visit(store, "diff").selectbox]
    tag = "<b>*who* & what</b>"
    store.add_collection([query._replace(tags=(tag, "all")) for query in QUERIES[:1]])
    at = visit(store, "diff", tag=tag, first="what", length="up to 9 words", show="better", words="oil")
    assert "1 of 1" in said(at)
    assert tag in at.selectbox(key="tag").options
    said_by = [element.value for element in at.code]
    shell, cell, address = (
        next(text for text in said_by if sign in text) for sign in ("diff before after", "wb.Filters", "/diff?")
    )
    assert f"--words oil --first-word what --max-length 9 --tag '{tag}'" in shell
    assert f"tag={tag!r}" in cell
    link = parse_qs(urlsplit(address).query)
    wanted = {"tag": tag, "first": "what", "length": "up to 9 words", "show": "better", "words": "oil"}
    assert {name: link[name] for name in wanted} == {name: [value] for name, value in wanted.items()}
    assert "“nobody’s” under “Tag”" in said(visit(store, "diff", tag="nobody’s"))
    assert "No query answers to this filter" in said(visit(store, "diff", tag=tag, show="worse"))
    shown = visit(store, "overview")
    assert "Tags" in [heading.value for heading in shown.subheader]


def test_the_diff_compares_what_nobody_judged(store: Store, visit: Any) -> None:
    for name in ("before", "after"):
        store.add_run(run(name, "dev"), [Hit(f"{name}@dev", "q4", "03", 1, 0.5), Hit(f"{name}@dev", "q4", "ü", 2, 0.4)])
    words = said(visit(store, "diff", split="dev"))
    assert "The rankings are compared with one another instead" in words
    assert "by RBO, dev: mean 1.000" in words
    assert "query q4, dev split" in words


def test_the_diff_offers_measures_with_a_threshold_where_qrels_are_graded(store: Store, visit: Any) -> None:
    assert "is not there" in said(visit(store, "diff", measure="AP(rel=2)"))
    store.add_collection([], [], [Qrel("q1", "p 2", 2)])
    assert "on AP(rel=2), test: 0 better, 1 worse, 0 the same of 1" in said(visit(store, "diff", measure="AP(rel=2)"))


def test_the_diff_shows_all_students_at_once_where_there_are_three(store: Store, visit: Any) -> None:
    assert not visit(store, "diff").toggle
    store.add_run(run("third"), [Hit("third@test", "q1", "p/1", 1, 0.5)])
    assert "Each against before; Holm adjusts for the 2 comparisons." in said(visit(store, "diff", everyone="true"))


def test_the_opened_query_shows_three_orders_with_movement_and_judgements(store: Store, visit: Any) -> None:
    words = said(visit(store, "diff", query="q1"))
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


def test_the_teacher_beside_a_student_tells_who_is_right_first(store: Store, visit: Any) -> None:
    words = " ".join(said(visit(store, "utility")).split())
    assert "Teacher puts a relevant passage first 0.500" in words
    assert "Student puts a relevant candidate first 0.500" in words


# -- foreign text -----------------------------------------------------------------------------


@pytest.fixture
def nasty(store: Store) -> Store:
    """Return the toy store with texts that try to be more than text."""
    store.add_collection(
        [Query("n", f"What is {NASTY}?", (NASTY,), "test")],
        [Passage("n<1>", NASTY, f"{NASTY} {NASTY}")],
        [Qrel("n", "n<1>", 1)],
    )
    store.add_candidates([Candidate("n", "n<1>", "bm25")])
    store.add_scored([utility("n", "n<1>", 1.5)])
    for name, rank in (("before", 2), ("after", 40)):
        old = views.find_run(store, name, "test")
        store.add_run(run(name), [*views.hits(store, old), Hit(old.run, "n", "n<1>", rank, 0.5)])
    return store


@pytest.mark.parametrize("page", ["diff", "utility", "annotate"])
def test_foreign_text_is_shown_character_by_character(nasty: Store, visit: Any, page: str) -> None:
    at = visit(nasty, page, query="n", passage="n<1>", student="after", rule="useful but far")
    assert unescape(NASTY) in " ".join(said(at).split())
    raw = "".join(element.value for element in html(at))
    assert "&lt;script&gt;" in raw
    assert "<script" not in raw
    assert "javascript:" not in re.sub(r">[^<]*<", "><", raw), "never inside a tag"
    markdown = "".join(str(element.value) for kind in (at.markdown, at.caption) for element in kind)
    assert "alert" not in markdown


@given(st.text(), st.text(max_size=30), st.lists(st.text(max_size=12), max_size=3))
def test_marking_changes_no_character(text: str, query: str, answers: list[str]) -> None:
    shown = marked(text, query, answers)
    assert unescape(re.sub(r"</?mark[^>]*>", "", shown)) == unescape(text.replace("&", "&amp;"))
    assert "<" not in re.sub(r'</?mark(?: class="wb-(?:term|answer)")?>', "", shown)


def test_an_answer_is_marked_rather_than_the_words_in_it() -> None:
    shown = marked("The price of OIL rose; oils too.", "What raised the price of oil?", ["price of oil"])
    assert shown == ('The <mark class="wb-answer">price of OIL</mark> rose; <mark class="wb-term">oils</mark> too.')
    assert marked("embargoed", "", ["embargo"]) == "embargoed"
    assert answer_found("by the  embargo", ["the embargo"]) == 3
    assert answer_found("nothing", ["x", ""]) is None
    assert terms("What is the 3 of ABC's oil?") == ("3", "abc", "oil")


# -- annotating -------------------------------------------------------------------------------


def test_a_verdict_is_kept_at_once_and_enter_goes_on(store: Store, visit: Any) -> None:
    at = visit(store, "annotate", rule="useless but near", annotator="Ada")
    first = _current(at)
    press(at, "useless")
    (kept,) = views.verdicts(store)
    assert (kept.verdict, kept.grade, kept.annotator, kept.rule) == ("useless", 0, "Ada", "useless but near")
    assert _current(at) == first, "note and tags may follow"
    assert "You called it useless, grade 0" in said(at)
    assert f"1 of {len(_cases(store, 'useless but near'))} judged by you" in _progress(at)
    _note(at).set_value("says nothing").run()
    at.multiselect[0].set_value(["off topic"]).run()
    press(at, "flag")
    last = views.verdicts(store, latest=True)
    assert [(word.verdict, word.note, word.tags, word.flagged) for word in last] == [
        ("useless", "says nothing", ("off topic",), True)
    ]
    assert len(views.verdicts(store)) == 4
    press(at, "submit and next")
    assert _current(at) != first


def test_enter_does_not_leave_what_nobody_judged(store: Store, visit: Any) -> None:
    at = visit(store, "annotate", rule="useless but near")
    before = _current(at)
    press(at, "submit and next")
    assert _current(at) == before
    assert not views.verdicts(store)


def test_what_is_noted_before_a_verdict_is_kept_and_the_case_still_waits(store: Store, visit: Any) -> None:
    at = visit(store, "annotate", rule="useless but near")
    _note(at).set_value("look again").run()
    (draft,) = views.verdicts(store)
    assert (draft.verdict, draft.note) == ("draft", "look again")
    assert views.verdicts(store, latest=True) == []
    assert "0 of" in _progress(at)
    again = visit(store, "annotate", rule="useless but near")
    assert _note(again).value == "look again"
    press(again, "helps")
    assert [(word.verdict, word.note) for word in views.verdicts(store, latest=True)] == [("useful", "look again")]


def test_undo_takes_back_one_after_the_other_even_after_a_refresh(store: Store, visit: Any) -> None:
    at = visit(store, "annotate", rule="useless but near", swift="true")
    cases = [_current(at)]
    press(at, "useless")
    cases.append(_current(at))
    press(at, "skip")
    assert "1 skipped" in _progress(at)
    at = visit(store, "annotate", rule="useless but near", swift="true")
    press(at, "undo")
    assert (_current(at), "0 skipped" in _progress(at)) == (cases[1], True)
    press(at, "undo")
    assert (_current(at), "0 of" in _progress(at)) == (cases[0], True)
    assert [word.verdict for word in views.verdicts(store)] == ["useless", "skipped", "withdrawn", "withdrawn"]
    press(at, "undo")
    assert "There is no verdict of anonymous left to take back" in said(at)


def test_undo_takes_a_later_note_back_and_leaves_the_verdict(store: Store, visit: Any) -> None:
    at = visit(store, "annotate", rule="useless but near")
    press(at, "helps")
    _note(at).set_value("not so sure").run()
    assert [(word.verdict, word.note) for word in views.verdicts(store, latest=True)] == [("useful", "not so sure")]
    press(at, "undo")
    assert [(word.verdict, word.note, word.grade) for word in views.verdicts(store, latest=True)] == [("useful", "", 2)]
    assert _note(at).value == ""
    press(at, "undo")
    assert views.verdicts(store, latest=True) == []


def test_the_keys_of_a_case_are_its_own(store: Store, visit: Any) -> None:
    at = visit(store, "annotate", rule="useless but near")
    first = {button.key for button in at.button if button.label in ("useless", "harmful", "flag", "skip", "accept")}
    press(at, "skip")
    then = {button.key for button in at.button if button.label in ("useless", "harmful", "flag", "skip", "accept")}
    assert (len(first), len(then), first & then) == (5, 5, set())


def test_a_skipped_case_waits_in_a_tab_of_its_own(store: Store, visit: Any) -> None:
    at = visit(store, "annotate", rule="useless but near")
    seen = []
    for _ in _cases(store, "useless but near"):
        seen.append(_current(at))
        press(at, "skip")
    assert len(set(seen)) == len(seen)
    fresh = visit(store, "annotate", rule="useless but near")
    assert f"{len(seen)} that you skipped wait under “skipped”" in said(fresh)
    assert "No case is pending here" in said(fresh)
    assert _current(visit(store, "annotate", rule="useless but near", tab="skipped")) == seen[0]


def test_accept_and_reject_are_about_the_teachers_word(store: Store, visit: Any) -> None:
    case = _cases(store, "useless but near")[0]
    for label, verdict in (("accept", "useless"), ("reject", "useful")):
        named = {"query": case.query_id, "passage": case.passage_id}
        at = visit(store, "annotate", rule="useless but near", annotator=label, **named)
        press(at, label)
        assert views.verdicts(store)[-1][:4] == (case.query_id, case.passage_id, label, verdict)


def test_a_case_shows_every_reason_and_all_rules_have_a_count(store: Store, visit: Any) -> None:
    words = said(visit(store, "annotate", student="before", base="after"))
    assert "rank 1, yet utility -0.50" in words
    assert "rank 1, and nobody has judged it" in words


def test_blind_hides_what_teacher_student_and_qrels_say(store: Store, visit: Any) -> None:
    at = visit(store, "annotate", rule="useless but near", blind="true")
    words = said(at)
    assert "hidden while you judge blind" in words
    assert "yet utility" not in words
    assert "useless -" not in words
    assert "student after" not in words
    assert _button(at, "accept").disabled
    assert _button(at, "reject").disabled
    assert not at.expander[0].proto.expanded
    assert "Hidden" in at.expander[0].label
    names = {box.label for box in at.expander[0].selectbox}
    assert {"Teacher", "Student", "Before training"} <= names


def test_another_annotator_finds_the_whole_queue(store: Store, visit: Any) -> None:
    case = _cases(store, "useless but near")[0]
    annotate(store, case.query_id, case.passage_id, "useless", "Ada")
    assert "1 of" in _progress(visit(store, "annotate", rule="useless but near", annotator="Ada"))
    assert "0 of" in _progress(visit(store, "annotate", rule="useless but near", annotator="Bob"))


def test_what_annotators_disagree_on_is_settled_in_a_queue_of_its_own(store: Store, visit: Any) -> None:
    for who, verdict in (("Ada", "useful"), ("Bob", "harmful"), ("Cleo", "unsure")):
        annotate(store, "q1", "03", verdict, who)
    at = visit(store, "annotate", rule="adjudication", annotator="Ada")
    assert "Ada says useful, Bob says harmful" in said(at)
    assert "1 disputed, 0 of them settled" in said(at)
    press(at, "harmful")
    assert "Ada has called it harmful" in said(at)
    assert "1 of 1 settled" in _progress(at)
    assert views.decided(store) == {("q1", "03"): "harmful"}
    assert [word.verdict for word in views.last_words(store, "Ada")] == ["useful", "harmful"]


def test_one_confirmation_annotates_a_whole_filter_and_one_undo_takes_it_back(store: Store, visit: Any) -> None:
    cases = _cases(store, "useless but near")
    at = visit(store, "annotate", rule="useless but near")
    _button(at, f"Call all {len(cases)} waiting cases useless …").click().run()
    assert not views.verdicts(store)
    _button(at, f"Yes, all {len(cases)}").click().run()
    assert len(views.verdicts(store, latest=True)) == len(cases)
    press(at, "undo")
    assert views.verdicts(store, latest=True) == []
    assert f"0 of {len(cases)} judged" in _progress(at)


def test_guidelines_are_text_and_are_kept_in_the_workspace(store: Store, visit: Any) -> None:
    at = visit(store, "annotate")
    assert "Harmful: whoever answers from it would answer wrongly." in said(at)
    at.toggle(key="edit-guidelines").set_value(True).run()
    at.text_area(key="guidelines").set_value(f"Be kind. {NASTY}").run()
    _button(at, "Keep the guidelines").click().run()
    assert (store.path / "guidelines.md").read_text("utf-8") == f"Be kind. {NASTY}\n"
    assert f"Be kind. {NASTY}" in "".join(element.value for element in visit(store, "annotate").text)


def test_a_verdict_that_cannot_be_kept_is_said_and_stays_on_the_table(
    store: Store, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.errors import StoreBusy
    from workbench.ui.annotate import verdicts

    def busy(*_: object, **__: object) -> None:
        raise StoreBusy("The file is kept busy by process 7.", "Close it.")

    at = visit(store, "annotate", rule="useless but near")
    before = _current(at)
    monkeypatch.setattr(verdicts, "annotate", busy)
    press(at, "helps")
    assert "The verdict was not kept. The file is kept busy by process 7. Close it." in said(at)
    assert _current(at) == before


def press(at: AppTest, label: str) -> None:
    """Click one of the buttons that have a key."""
    _button(at, label).click().run()
    assert not at.exception, at.exception[0].message


def _button(at: AppTest, label: str) -> Any:
    return next(button for button in at.button if button.label == label)


def _cases(store: Store, rule: str) -> list[views.HardCase]:
    runs = views.find_run(store, "after", "test"), views.find_run(store, "before", "test")
    return [case for case in views.hard_cases(store, "toy", *runs) if rule in case.rules]


def _note(at: AppTest) -> Any:
    return next(box for box in at.text_input if str(box.key).startswith("note-"))


def _current(at: AppTest) -> str:
    return str(_note(at).key)


def _progress(at: AppTest) -> str:
    return " ".join(str(element.proto.text) for element in at.get("progress"))


# -- training ---------------------------------------------------------------------------------


def test_the_form_starts_a_job_with_the_line_it_shows(
    store: Store, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = visit(store, "train")
    at.number_input(key="steps").set_value(30).run()
    line = f"workbench --workspace '{store.path}' train static:all-MiniLM-L6-v2 --teacher toy --steps 30"
    assert line in [block.value for block in at.code]
    at.checkbox(key="only-annotated").check().run()
    assert f"{line} --only annotated" in [block.value for block in at.code]
    at.checkbox(key="only-annotated").uncheck().run()
    assert "qrels" in at.selectbox(key="lesson-teacher").options
    at.selectbox(key="kind").set_value("adapter").run()
    at.number_input(key="rank").set_value(8).run()
    assert f"{line.removesuffix(' --steps 30')} --method adapter --steps 30 --rank 8" in [
        block.value for block in at.code
    ]
    at.selectbox(key="kind").set_value("query_only").run()
    assert "rank" not in [box.key for box in at.number_input], "only a kind that has one is asked for it"
    at.selectbox(key="kind").set_value("full").run()
    asked = []

    def start(where: Store, arguments: list[str]) -> jobs.Job:
        asked.append((where.path, arguments))
        folder = where.jobs / "20260101-000000-dead"
        folder.mkdir(parents=True)
        made = {"arguments": arguments, "started": "2026-01-01T00:00:00+00:00", "pid": 2**22 + 1, "created": 0.0}
        (folder / "job.json").write_text(json.dumps(made))
        (folder / "log.txt").write_text("the last words\n")
        return jobs.find(where, folder.name)

    monkeypatch.setattr(jobs, "start", start)
    next(button for button in at.button if button.label == "Start training").click().run()
    assert not at.exception
    assert asked == [(store.path, ["train", "static:all-MiniLM-L6-v2", "--teacher", "toy", "--steps", "30"])]
    words = said(at)
    assert "? lost" in words
    assert "gone without a last word" in words
    assert "the last words" in words


def test_a_sum_of_losses_is_asked_for_and_a_wrong_one_cannot_start(store: Store, visit: Any) -> None:
    at = visit(store, "train")
    assert set(at.selectbox(key="loss").options) == set(LOSSES)
    at.text_input(key="loss-sum").set_value(" kl + 0.5*infonce(alpha=0.6) ").run()
    line = "train static:all-MiniLM-L6-v2 --teacher toy --loss 'kl + 0.5*infonce(alpha=0.6)'"
    assert any(line in block.value for block in at.code)
    at.text_input(key="loss-sum").set_value("kl + hinge").run()
    assert not at.exception
    assert "hinge" in said(at)
    assert next(button for button in at.button if button.label == "Start training").disabled


def test_settings_that_do_not_go_together_cannot_start(store: Store, visit: Any) -> None:
    at = visit(store, "train")
    at.number_input(key="accumulate").set_value(5).run()
    assert "32 queries do not split into equal parts" in said(at)
    assert next(button for button in at.button if button.label == "Start training").disabled
    at.number_input(key="batch-size").set_value(40).run()
    assert not next(button for button in at.button if button.label == "Start training").disabled


def test_a_preset_fills_the_form_and_what_a_person_changes_wins(store: Store, visit: Any) -> None:
    at = visit(store, "train")
    at.segmented_control(key="preset").set_value("cpu").run()
    assert at.number_input(key="steps-cpu").value == PRESETS["cpu"]["steps"]
    line = f"workbench --workspace '{store.path}' train static:all-MiniLM-L6-v2 --teacher toy --preset cpu"
    assert line in [block.value for block in at.code]
    at.number_input(key="minutes-cpu").set_value(3.0)
    at.number_input(key="refresh").set_value(50).run()
    assert f"{line} --minutes 3 --refresh 50" in [block.value for block in at.code]


def test_a_running_job_is_followed_and_can_be_stopped(
    store: Store, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    folder = store.jobs / "20260101-000000-live"
    folder.mkdir(parents=True)
    me = psutil.Process()
    made = {
        "arguments": ["train", "x"],
        "started": "2026-01-01T00:00:00+00:00",
        "pid": me.pid,
        "created": me.create_time(),
    }
    (folder / "job.json").write_text(json.dumps(made))
    progress = ["train", 40, 120, "steps", "loss 1.234"]
    status = {"state": "running", "student": "s", "progress": progress, "updated": "2026-01-01T00:00:30+00:00"}
    (folder / "status.json").write_text(json.dumps(status))
    (folder / "log.txt").write_text("")
    work = store.students / ".training-s"
    work.mkdir(parents=True)
    lines = [{"step": 0, "dev": 0.5}, {"step": 10, "loss": 1.0}, {"step": 20, "loss": 0.9, "dev": 0.6}]
    (work / "history.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"step": 30, "lo')
    asked = []
    monkeypatch.setattr(jobs, "stop", lambda _store, name: asked.append(name))
    at = visit(store, "train")
    assert "train: 40 of 120 steps, about 60 s to go; loss 1.234" in said(at)
    assert len(at.get("plotly_chart")) == 1
    at.button(key=f"stop-{folder.name}").click().run()
    assert asked == [folder.name]


def test_a_student_that_gained_nothing_is_reported_plainly_and_can_be_evaluated(
    store: Store, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _store, arguments: asked.append(arguments))
    folder = store.students / "s"
    folder.mkdir(parents=True)
    outcome = {"steps": 40, "best_step": 0, "dev_before": 0.5, "dev_after": 0.5, "measure": "nDCG@10", "seconds": 100.0}
    recipe = {"name": "s", "base": "b", "teacher": "toy", "loss": "kl", "outcome": {**outcome, "stopped": "patience"}}
    (folder / "student.json").write_text(json.dumps(recipe))
    at = visit(store, "train")
    words = said(at)
    assert "no gain: no step beat the base" in words
    assert "Not evaluated on test yet: b and s" in words
    assert "2 min" in words
    at.button(key="evaluate-s").click().run()
    assert asked == [["evaluate", "b", "s", "--split", "test"]]


# -- the frame --------------------------------------------------------------------------------


def test_a_bug_is_a_sentence_and_a_mark_in_the_log(
    store: Store, visit: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("private detail")

    monkeypatch.setattr(cache, "teachers", broken)
    words = said(visit(store, "overview"))
    mark = re.search(r"details under (\w{8})", words)
    assert mark
    assert "private detail" not in words
    assert mark[1] in caplog.text
    assert "private detail" in caplog.text


def test_a_page_runs_without_the_entry_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(store.path))
    at = AppTest.from_file(str(ROOT / "pages" / "diff.py"), default_timeout=60)
    at.query_params["before"], at.query_params["after"] = "before", "after"
    at.run()
    assert not at.exception
    assert SAYS["diff"] in said(at)


def test_caches_follow_the_revision(store: Store, visit: Any) -> None:
    visit(store, "overview")
    store.add_collection([Query("q9", "One more?", (), "test")], PASSAGES[:1])
    assert "5 queries over 4 passages" in said(visit(store, "overview"))


def test_a_run_over_other_passages_is_called_stale(store: Store, visit: Any) -> None:
    assert "evaluated when the collection held other passages" in said(visit(store, "diff"))


def test_looking_imports_no_torch(store: Store) -> None:
    code = f"""
import os, sys
os.environ["WORKBENCH_WORKSPACE"] = {str(store.path)!r}
from streamlit.testing.v1 import AppTest
for page in {PAGES!r}:
    at = AppTest.from_file({str(ROOT / "streamlit_app.py")!r}, default_timeout=60)
    at.switch_page(f"pages/{{page}}.py")
    at.run()
    assert not at.exception
print([name for name in ("torch", "transformers", "sentence_transformers", "faiss") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, cwd=ROOT
    )
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_short_and_end_in_the_frame(page: str) -> None:
    lines = (ROOT / "pages" / f"{page}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 80
    assert lines[-1] == f'frame.show(page, "{page.title()}")'
    assert not any(word in line for line in lines for word in ("import numpy", "import duckdb", "unsafe_allow"))


# --- agreement with the teacher


def test_the_diff_folds_out_the_agreement_with_the_teacher(store: Store, visit: Any, monkeypatch: Any) -> None:
    asked: list[str] = []
    measure = cache.teacher_agreement

    def counted(store: Store, *names: str) -> Any:
        asked.extend(names)
        return measure(store, *names)

    monkeypatch.setattr(cache, "teacher_agreement", counted)
    folded = said(visit(store, "diff"))
    assert not asked  # it is worked out when a person opens it
    assert "Farthest from the teacher" not in folded
    at = visit(store, "diff", agreement="true", farthest="q1")
    words = said(at)
    assert asked == ["after", "toy", "test", "before"]
    assert "after against toy, test: KL" in words
    assert "no sure advantage in R@1" in words
    assert "agreement after --before before --teacher toy --split test" in words
    for kind in ("KL", "Kendall", "top-1", "regret"):
        assert kind in words
    assert "median spread on the test split" in words
    link = next(e for e in at.get("page_link") if "student=after" in str(e.proto) and "q1" in str(e.proto))
    assert "teacher=toy" in str(link.proto)


@pytest.mark.parametrize("observed", ["teacher", "relevant", "useful", "utility"])
def test_every_reliability_curve_is_shown(store: Store, visit: Any, observed: str) -> None:
    words = said(visit(store, "diff", agreement="true", observed=observed, agree="regret"))
    assert "best utility less that of the student's first passage" in words
    assert ("Similarity predicts utility where the line rises" in words) == (observed == "utility")


def test_agreement_that_cannot_be_said_is_a_sentence(store: Store, visit: Any) -> None:
    store.add_run(run("mute"), [])
    words = said(visit(store, "diff", agreement="true", after="mute"))
    assert "toy and mute and before share no query of the test split" in words


def _taught(store: Store, name: str, seed: int, dev: float, loss: str = "kl", base: str = "before") -> None:
    outcome = {"steps": 40, "best_step": 20, "dev_before": 0.5, "dev_after": dev, "measure": "nDCG@10", "seconds": 9.0}
    recipe = {
        "name": name, "base": base, "teacher": "toy", "loss": loss, "seed": seed, "created": f"2026-01-0{seed}",
        "settings": {"loss": loss, "seed": seed}, "outcome": {**outcome, "stopped": "budget"},
    }  # fmt: skip
    (store.students / name).mkdir(parents=True)
    (store.students / name / "student.json").write_text(json.dumps(recipe))


def test_the_students_page_says_which_is_best_and_opens_one(store: Store, visit: Any) -> None:
    _taught(store, "after", 1, 0.7)
    words = said(visit(store, "students"))
    assert "1 student by 1 recipe. Dev chooses loss=kl (nDCG@10 0.700 over 1 seed, 0.500 before)" in words
    assert "no difference shown against its base (only 2 queries): nDCG@10" in words
    # a student that was trained and not evaluated changes no row of the database
    _taught(store, "other", 2, 0.6, loss="infonce")
    at = visit(store, "students", student="other", rows="students")
    words = said(at)
    assert "2 students by 2 recipes. Dev chooses loss=kl" in words
    assert "loss=infonce: not evaluated: its students have no measures on test" in words
    assert "side by side" in words
    assert "The link names the student “nobody”" in said(visit(store, "students", student="nobody"))
    # a link to the second seed opens it among the recipes too
    _taught(store, "second", 3, 0.65)
    assert "second" in said(visit(store, "students", student="second"))


def test_a_sweep_is_checked_as_it_is_typed_and_starts_as_a_job(
    store: Store, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _store, arguments: asked.append(arguments))
    at = visit(store, "students")
    at.text_area(key="sweep-grid").set_value("loss=kl,nonsense\nsteps=0").run()
    words = said(at)
    assert "2 reasons" in words and "nonsense" in words
    assert not [button for button in at.button if button.key == "sweep-start"]
    at.text_area(key="sweep-grid").set_value("loss=kl,infonce\nnegatives=1, 2").run()
    button = at.button(key="sweep-start")
    assert button.label == "Train 12 students"
    button.click().run()
    assert not at.exception
    assert asked == [
        ["sweep", "static:all-MiniLM-L6-v2", "--teacher", "toy", "--grid", "loss=kl,infonce", "--grid",
         "negatives=1,2", "--seeds", "13,14,15", "--steps", "400"]
    ]  # fmt: skip
