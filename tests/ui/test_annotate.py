"""The page Annotate: what goes to the browser's card, for whom, and the buttons beside it."""

from __future__ import annotations

import io
import json
from typing import Any

import pandas as pd
import pytest

from tests.conftest import toy_without_utilities
from tests.ui.copied import reproduction, run_cell, run_line
from tests.ui.pages import NASTY, Visit, annotation_card, button, text_of
from workbench.errors import StoreBusy
from workbench.steps.annotate import outbox
from workbench.steps.annotate.annotate import annotate, undo
from workbench.steps.annotate.hard_cases import hard_case_bytes
from workbench.store import Store, views
from workbench.ui.annotate import card, case_queue
from workbench.ui.annotate.case_queue import AHEAD, BEHIND, Queue

pytestmark = pytest.mark.slow

NEAR = "useless but near"
QUEUE = {"rule": NEAR, "student": "after", "base": "before"}


def test_the_card_holds_the_cases_of_the_queue_in_order(store: Store, visit: Visit) -> None:
    data = annotation_card(visit(store, "annotate", **QUEUE, annotator="Ada"))
    cases = _cases(store, NEAR)
    assert [_pair(case) for case in data["cases"]] == [case[:2] for case in cases]
    assert {case["rule"] for case in data["cases"]} == {case.rules[0] for case in cases}
    assert (data["annotator"], data["settles"], data["tab"]) == ("Ada", False, "pending")
    assert data["counts"] == {"pending": len(cases), "done": 0, "skipped": 0}
    assert _pair(data["start"]) == cases[0][:2]


def test_a_judged_case_is_done_and_what_was_said_of_it_comes_along(store: Store, visit: Visit) -> None:
    case, *others = _cases(store, NEAR)
    annotate(store, *case[:2], "useless", "Ada", grade=0, note="says nothing", tags=["off topic"], flagged=True)
    data = annotation_card(visit(store, "annotate", **QUEUE, annotator="Ada"))
    assert (data["counts"]["done"], data["counts"]["pending"]) == (1, len(others))
    assert case[:2] not in map(_pair, data["cases"])
    done = annotation_card(visit(store, "annotate", **QUEUE, annotator="Ada", tab="done"))
    assert done["cases"][0]["annotation"] == {
        "verdict": "useless", "grade": 0, "note": "says nothing", "tags": ["off topic"], "flagged": True,
        "annotator": "Ada", "when": "just now",
    }  # fmt: skip
    assert data["search"] == done["search"] != annotation_card(visit(store, "annotate", rule=NEAR))["search"]


def test_what_is_noted_before_a_verdict_leaves_the_case_waiting(store: Store, visit: Visit) -> None:
    case = _cases(store, NEAR)[0]
    annotate(store, *case[:2], "draft", note="look again")
    data = annotation_card(visit(store, "annotate", **QUEUE))
    assert data["counts"]["done"] == 0
    assert data["cases"][0]["annotation"]["note"] == "look again"
    undo(store)
    assert annotation_card(visit(store, "annotate", **QUEUE))["counts"]["pending"] == data["counts"]["pending"]


def test_of_many_queries_some_are_searched_unless_a_person_asks_for_all(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_queue, "SEARCHED", 1)
    runs = views.find_run(store, "after", "test"), views.find_run(store, "before", "test")
    some, every = (views.hard_cases(store, "toy", *runs, part=views.Part(queries=number)) for number in (1, None))
    at = visit(store, "annotate", student="after", base="before")
    assert [_pair(case) for case in annotation_card(at)["cases"]] == [case[:2] for case in some] != []
    assert "Searched: 1 of the queries, drawn evenly" in text_of(at)
    assert len(run_line(reproduction(at).lines[0])) == len(some) < len(every)
    assert len(run_cell(reproduction(at).cell)["_"]) == len(some)
    at.toggle(key="all-queries").set_value(True).run()
    assert annotation_card(at)["counts"]["pending"] == len(every)
    assert "Searched:" not in text_of(at)


def test_a_skipped_case_waits_in_a_tab_of_its_own(store: Store, visit: Visit) -> None:
    cases = _cases(store, NEAR)
    for case in cases:
        annotate(store, *case[:2], "skipped")
    data = annotation_card(visit(store, "annotate", **QUEUE))
    assert (data["cases"], data["start"], data["counts"]["skipped"]) == ([], None, len(cases))
    skipped = annotation_card(visit(store, "annotate", **QUEUE, tab="skipped"))
    assert _pair(skipped["start"]) == cases[0][:2]


def test_the_case_of_a_link_is_opened_whatever_its_tab(store: Store, visit: Visit) -> None:
    cases = _cases(store, NEAR)
    annotate(store, *cases[-1][:2], "useless")
    query_id, passage_id = cases[-1][:2]
    data = annotation_card(visit(store, "annotate", **QUEUE, query=query_id, passage=passage_id))
    assert _pair(data["start"]) == (query_id, passage_id)
    assert [_pair(case) for case in data["cases"]] == [case[:2] for case in cases]


def test_the_card_holds_many_cases_ahead_few_behind_and_goes_round() -> None:
    queue = _queue(200)
    around = queue.around(queue.cases[150])
    places = [int(case.query_id) for case in around]
    assert places == [*range(140, 200), *range(51)], "ten before, a hundred after, then from the start again"
    assert len(around) == AHEAD + BEHIND + 1


def test_the_card_knows_the_teachers_verdict_and_every_reason(store: Store, visit: Visit) -> None:
    data = annotation_card(visit(store, "annotate", student="before", base="after"))
    reasons = [reason["why"] for case in data["cases"] for reason in case["reasons"]]
    assert "rank 1, yet utility -0.50" in reasons
    assert "rank 1, and nobody has judged it" in reasons
    near = annotation_card(visit(store, "annotate", **QUEUE))
    assert {case["teachers_verdict"] for case in near["cases"]} == {"useless"}
    assert {case["student"] for case in near["cases"]} == {"after"}


def test_nothing_of_teacher_student_and_qrels_goes_to_a_blind_annotators_browser(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate", **QUEUE, blind="true")
    data = annotation_card(at)
    assert data["blind"]
    for case in data["cases"]:
        assert case.keys().isdisjoint({"reasons", "student", "teachers_verdict", "role"})
        assert {badge["word"] for badge in case["badges"]} <= {"answer in the text"}
    for word in ("utility", "toy", "relevant", "rank "):
        assert word not in json.dumps(data["cases"]).replace("Oil is", "")
    assert not at.expander[0].proto.expanded
    assert "Hidden" in at.expander[0].label
    names = {box.label for box in at.expander[0].selectbox}
    assert {"Teacher", "Student", "Before training"} <= names


def test_another_annotator_finds_the_whole_queue(store: Store, visit: Visit) -> None:
    annotate(store, *_cases(store, NEAR)[0][:2], "useless", "Ada")
    assert annotation_card(visit(store, "annotate", **QUEUE, annotator="Ada"))["counts"]["done"] == 1
    assert annotation_card(visit(store, "annotate", **QUEUE, annotator="Bob"))["counts"]["done"] == 0


def test_what_annotators_disagree_on_is_settled_in_a_queue_of_its_own(store: Store, visit: Visit) -> None:
    for who, verdict in (("Ada", "useful"), ("Bob", "harmful"), ("Cleo", "unsure")):
        annotate(store, "q1", "03", verdict, who)
    at = visit(store, "annotate", rule="adjudication", annotator="Ada")
    data = annotation_card(at)
    assert data["settles"]
    assert data["counts"] == {"pending": 1, "done": 0, "skipped": 0}
    assert (data["cases"][0]["rule"], data["cases"][0]["annotation"]) == ("adjudication", None)
    assert data["cases"][0]["reasons"][0]["why"] == "Ada says useful, Bob says harmful"
    assert "disputed" not in text_of(at), "agreement is computed when it is looked at"
    at.session_state["annotators"] = True
    assert "1 disputed, 0 of them settled" in text_of(at.run())
    annotate(store, "q1", "03", "harmful", "Ada", rule="adjudication")
    data = annotation_card(visit(store, "annotate", rule="adjudication", annotator="Bob", tab="done"))
    assert data["counts"]["done"] == 1
    assert (data["cases"][0]["annotation"]["annotator"], data["cases"][0]["annotation"]["verdict"]) == (
        "Ada",
        "harmful",
    )
    assert views.decided(store) == {("q1", "03"): "harmful"}


def test_one_confirmation_annotates_a_whole_filter_and_one_undo_takes_it_back(store: Store, visit: Visit) -> None:
    cases = _cases(store, NEAR)
    at = visit(store, "annotate", **QUEUE)
    acts = annotation_card(at)["bulk_acts"]
    button(at, f"Call all {len(cases)} waiting cases useless …").click().run()
    assert not views.verdicts(store)
    annotate(store, *cases[0][:2], "useful", grade=3)  # by a key, meanwhile
    button(at, f"Yes, all {len(cases)}").click().run()
    verdicts = {row[:2]: row.verdict for row in views.verdicts(store, latest=True)}
    assert verdicts == {case[:2]: "useful" if case == cases[0] else "useless" for case in cases}
    assert annotation_card(at)["bulk_acts"] == acts + 1
    assert len(undo(store)) == len(cases) - 1


def test_a_bulk_verdict_that_cannot_be_kept_is_reported(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> bool:
        raise StoreBusy("The file is kept busy by process 7.", "Close it.")

    at = visit(store, "annotate", **QUEUE)
    cases = len(_cases(store, NEAR))
    button(at, f"Call all {cases} waiting cases useless …").click().run()
    monkeypatch.setattr(Store, "add_annotations", busy)
    button(at, f"Yes, all {cases}").click().run()
    assert "Nothing was kept. The file is kept busy by process 7. Close it." in text_of(at)


def test_what_the_browser_sends_is_kept_and_acknowledged(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    act = {
        "idempotency_key": "k", "annotator": "Ada", "query_id": "q1", "passage_id": "03", "rule": NEAR,
        "changes": {"verdict": "useful", "grade": 2},
    }  # fmt: skip
    state: dict[str, Any] = {card.KEY: {"outbox": {"attempt": "tab 1", "acts": [act]}}}
    monkeypatch.setattr(card.st, "session_state", state)
    card._receive(store)
    assert state[card.RECEIPT] == ("tab 1", outbox.Receipt(["k"]))
    assert [(row[:3], row.grade, row.rule) for row in views.verdicts(store)] == [(("q1", "03", "Ada"), 2, NEAR)]

    def broken(*_: object) -> outbox.Receipt:
        raise RuntimeError("no space left")

    monkeypatch.setattr(card, "receive", broken)
    card._receive(store)
    assert "the server's log has the details" in state[card.RECEIPT][1].waiting


def test_guidelines_are_text_and_are_kept_in_the_workspace(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate")
    assert "Harmful: whoever answers from it would answer wrongly." in text_of(at)
    at.toggle(key="edit-guidelines").set_value(True).run()
    at.text_area(key="guidelines").set_value(f"Be kind. {NASTY}").run()
    button(at, "Keep the guidelines").click().run()
    assert (store.path / "guidelines.md").read_text("utf-8") == f"Be kind. {NASTY}\n"
    assert f"Be kind. {NASTY}" in "".join(element.value for element in visit(store, "annotate").text)


def test_hard_cases_are_downloaded_before_anyone_judged_them_with_all_their_rules(store: Store, visit: Visit) -> None:
    at = visit(store, "annotate")
    labels = {one.proto.label for one in at.get("download_button")}
    assert {f"hard-cases.{ending}" for ending in ("jsonl", "csv", "parquet")} <= labels
    cases = _cases(store, NEAR)
    rows = [json.loads(line) for line in hard_case_bytes(cases, "jsonl").splitlines()]
    assert [(row["query_id"], row["passage_id"], row["rules"], row["why"]) for row in rows] == [
        (*case[:2], list(case.rules), case.why) for case in cases
    ]
    assert [reason["rule"] for reason in rows[0]["reasons"]] == [reason.rule for reason in cases[0].reasons]
    for read, ending in ((pd.read_csv, "csv"), (pd.read_parquet, "parquet")):
        assert read(io.BytesIO(hard_case_bytes(cases, ending)))["passage_id"].tolist() == [case[1] for case in cases]


def test_without_a_teacher_the_rules_that_need_none_are_judged(empty: Store, visit: Visit) -> None:
    toy_without_utilities(empty)
    at = visit(empty, "annotate", rule="unjudged but high")
    assert "the rules that need utilities find nothing" in text_of(at)
    shown = annotation_card(at)["cases"][0]
    assert shown["teachers_verdict"] is None
    (case, *_), steps = run_line(reproduction(at).lines[0]), run_cell(reproduction(at).cell)
    assert (case["query_id"], case["passage_id"]) == _pair(shown)
    assert steps["cases"][0].query_id == shown["query_id"]


def _cases(store: Store, rule: str) -> list[views.HardCase]:
    runs = views.find_run(store, "after", "test"), views.find_run(store, "before", "test")
    return [case for case in views.hard_cases(store, "toy", *runs) if rule in case.rules]


def _pair(data: dict[str, Any]) -> tuple[str, str]:
    return data["query_id"], data["passage_id"]


def _queue(number: int) -> Queue:
    cases = [views.HardCase(str(at), "p", (), 1.0, None, None, None, None) for at in range(number)]
    return Queue(None, "all rules", cases, "Ada", {})  # type: ignore[arg-type]
