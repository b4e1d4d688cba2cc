"""The page Annotate: every verdict kept at once, undone, skipped, settled."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import toy_without_utilities
from tests.ui.copied import reproduction, run_cell, run_line
from tests.ui.pages import NASTY, Visit, button, press, text_of
from workbench.steps.annotate.annotate import annotate
from workbench.store import Store, views

pytestmark = pytest.mark.slow


def test_a_verdict_is_kept_at_once_and_enter_goes_on(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate", rule="useless but near", annotator="Ada")
    first = _current(at)
    press(at, "useless")
    (row,) = views.verdicts(store)
    assert (row.verdict, row.grade, row.annotator, row.rule) == ("useless", 0, "Ada", "useless but near")
    assert _current(at) == first, "note and tags may follow"
    assert "You called it useless, grade 0" in text_of(at)
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


def test_enter_does_not_leave_what_nobody_judged(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate", rule="useless but near")
    before = _current(at)
    press(at, "submit and next")
    assert _current(at) == before
    assert not views.verdicts(store)


def test_what_is_noted_before_a_verdict_is_kept_and_the_case_still_waits(store: Store, visit: Visit) -> None:
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


def test_undo_takes_back_one_after_the_other_even_after_a_refresh(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate", rule="useless but near", advance="true")
    cases = [_current(at)]
    press(at, "useless")
    cases.append(_current(at))
    press(at, "skip")
    assert "1 skipped" in _progress(at)
    at = visit(store, "annotate", rule="useless but near", advance="true")
    press(at, "undo")
    assert (_current(at), "0 skipped" in _progress(at)) == (cases[1], True)
    press(at, "undo")
    assert (_current(at), "0 of" in _progress(at)) == (cases[0], True)
    assert [word.verdict for word in views.verdicts(store)] == ["useless", "skipped", "withdrawn", "withdrawn"]
    press(at, "undo")
    assert "There is no verdict of anonymous left to take back" in text_of(at)


def test_undo_takes_a_later_note_back_and_leaves_the_verdict(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate", rule="useless but near")
    press(at, "helps")
    _note(at).set_value("not so sure").run()
    assert [(word.verdict, word.note) for word in views.verdicts(store, latest=True)] == [("useful", "not so sure")]
    press(at, "undo")
    assert [(word.verdict, word.note, word.grade) for word in views.verdicts(store, latest=True)] == [("useful", "", 2)]
    assert _note(at).value == ""
    press(at, "undo")
    assert views.verdicts(store, latest=True) == []


def test_the_keys_of_a_case_are_its_own(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate", rule="useless but near")
    first = {button.key for button in at.button if button.label in ("useless", "harmful", "flag", "skip", "accept")}
    press(at, "skip")
    then = {button.key for button in at.button if button.label in ("useless", "harmful", "flag", "skip", "accept")}
    assert (len(first), len(then), first & then) == (5, 5, set())


def test_a_skipped_case_waits_in_a_tab_of_its_own(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate", rule="useless but near")
    seen = []
    for _ in _cases(store, "useless but near"):
        seen.append(_current(at))
        press(at, "skip")
    assert len(set(seen)) == len(seen)
    fresh = visit(store, "annotate", rule="useless but near")
    assert f"{len(seen)} that you skipped wait under “skipped”" in text_of(fresh)
    assert "No case is pending here" in text_of(fresh)
    assert _current(visit(store, "annotate", rule="useless but near", tab="skipped")) == seen[0]


def test_accept_and_reject_are_about_the_teachers_verdict(store: Store, visit: Visit) -> None:
    case = _cases(store, "useless but near")[0]
    for label, verdict in (("accept", "useless"), ("reject", "useful")):
        named = {"query": case.query_id, "passage": case.passage_id}
        at = visit(store, "annotate", rule="useless but near", annotator=label, **named)
        press(at, label)
        assert views.verdicts(store)[-1][:4] == (case.query_id, case.passage_id, label, verdict)


def test_a_case_shows_every_reason_and_all_rules_have_a_count(store: Store, visit: Visit) -> None:
    words = text_of(visit(store, "annotate", student="before", base="after"))
    assert "rank 1, yet utility -0.50" in words
    assert "rank 1, and nobody has judged it" in words


def test_blind_hides_teacher_student_and_qrels(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate", rule="useless but near", blind="true")
    words = text_of(at)
    assert "hidden while you judge blind" in words
    assert "yet utility" not in words
    assert "useless -" not in words
    assert "student after" not in words
    assert button(at, "accept").disabled
    assert button(at, "reject").disabled
    assert not at.expander[0].proto.expanded
    assert "Hidden" in at.expander[0].label
    names = {box.label for box in at.expander[0].selectbox}
    assert {"Teacher", "Student", "Before training"} <= names


def test_another_annotator_finds_the_whole_queue(store: Store, visit: Visit) -> None:
    case = _cases(store, "useless but near")[0]
    annotate(store, case.query_id, case.passage_id, "useless", "Ada")
    assert "1 of" in _progress(visit(store, "annotate", rule="useless but near", annotator="Ada"))
    assert "0 of" in _progress(visit(store, "annotate", rule="useless but near", annotator="Bob"))


def test_what_annotators_disagree_on_is_settled_in_a_queue_of_its_own(store: Store, visit: Visit) -> None:
    for who, verdict in (("Ada", "useful"), ("Bob", "harmful"), ("Cleo", "unsure")):
        annotate(store, "q1", "03", verdict, who)
    at = visit(store, "annotate", rule="adjudication", annotator="Ada")
    assert "Ada says useful, Bob says harmful" in text_of(at)
    assert "1 disputed, 0 of them settled" in text_of(at)
    press(at, "harmful")
    assert "Ada has called it harmful" in text_of(at)
    assert "1 of 1 settled" in _progress(at)
    assert views.decided(store) == {("q1", "03"): "harmful"}
    assert [word.verdict for word in views.last_words(store, "Ada")] == ["useful", "harmful"]


def test_one_confirmation_annotates_a_whole_filter_and_one_undo_takes_it_back(store: Store, visit: Visit) -> None:
    cases = _cases(store, "useless but near")
    at = visit(store, "annotate", rule="useless but near")
    button(at, f"Call all {len(cases)} waiting cases useless …").click().run()
    assert not views.verdicts(store)
    button(at, f"Yes, all {len(cases)}").click().run()
    assert len(views.verdicts(store, latest=True)) == len(cases)
    press(at, "undo")
    assert views.verdicts(store, latest=True) == []
    assert f"0 of {len(cases)} judged" in _progress(at)


def test_guidelines_are_text_and_are_kept_in_the_workspace(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate")
    assert "Harmful: whoever answers from it would answer wrongly." in text_of(at)
    at.toggle(key="edit-guidelines").set_value(True).run()
    at.text_area(key="guidelines").set_value(f"Be kind. {NASTY}").run()
    button(at, "Keep the guidelines").click().run()
    assert (store.path / "guidelines.md").read_text("utf-8") == f"Be kind. {NASTY}\n"
    assert f"Be kind. {NASTY}" in "".join(element.value for element in visit(store, "annotate").text)


def test_a_verdict_that_cannot_be_kept_is_reported_and_stays_on_screen(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.errors import StoreBusy
    from workbench.ui.annotate import on_screen

    def busy(*_: object, **__: object) -> None:
        raise StoreBusy("The file is kept busy by process 7.", "Close it.")

    at = visit(store, "annotate", rule="useless but near")
    before = _current(at)
    monkeypatch.setattr(on_screen, "annotate", busy)
    press(at, "helps")
    assert "The verdict was not kept. The file is kept busy by process 7. Close it." in text_of(at)
    assert _current(at) == before


def _cases(store: Store, rule: str) -> list[views.HardCase]:
    runs = views.find_run(store, "after", "test"), views.find_run(store, "before", "test")
    return [case for case in views.hard_cases(store, "toy", *runs) if rule in case.rules]


def _note(at: AppTest) -> Any:
    return next(box for box in at.text_input if str(box.key).startswith("note-"))


def _current(at: AppTest) -> str:
    return str(_note(at).key)


def _progress(at: AppTest) -> str:
    return " ".join(str(element.proto.text) for element in at.get("progress"))


def test_without_a_teacher_the_rules_that_need_none_are_judged(empty: Store, visit: Visit) -> None:
    toy_without_utilities(empty)
    at = visit(empty, "annotate", rule="unjudged but high")
    assert "the rules that need utilities find nothing" in text_of(at)
    press(at, "useless")
    (row,) = views.verdicts(empty)
    assert (row.verdict, row.rule) == ("useless", "unjudged but high")
    (case, *_), steps = run_line(reproduction(at).lines[0]), run_cell(reproduction(at).cell)
    assert case["query_id"] == row.query_id
    assert steps["cases"][0].query_id == row.query_id
