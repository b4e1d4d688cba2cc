"""The page Students: which is best, and the start of a sweep."""

from __future__ import annotations

import pytest

from tests.ui.pages import Visit, text_of, trained_student
from workbench import jobs
from workbench.store import Store


def test_the_students_page_says_which_is_best_and_opens_one(store: Store, visit: Visit) -> None:
    trained_student(store, "after", 1, 0.7)
    words = text_of(visit(store, "students"))
    assert "1 student by 1 recipe. Dev chooses loss=kl (nDCG@10 0.700 over 1 seed, 0.500 before)" in words
    assert "no difference shown against its base (only 2 queries): nDCG@10" in words
    # a student that was trained and not evaluated changes no row of the database
    trained_student(store, "other", 2, 0.6, loss="infonce")
    at = visit(store, "students", student="other", rows="students")
    words = text_of(at)
    assert "2 students by 2 recipes. Dev chooses loss=kl" in words
    assert "loss=infonce: not evaluated: its students have no measures on test" in words
    assert "side by side" in words
    assert "The link names the student “nobody”" in text_of(visit(store, "students", student="nobody"))
    # a link to the second seed opens it among the recipes too
    trained_student(store, "second", 3, 0.65)
    assert "second" in text_of(visit(store, "students", student="second"))


def test_a_sweep_is_checked_as_it_is_typed_and_starts_as_a_job(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _store, arguments: started.append(arguments))
    at = visit(store, "students")
    at.text_area(key="sweep-grid").set_value("loss=kl,nonsense\nsteps=0").run()
    words = text_of(at)
    assert "2 reasons" in words and "nonsense" in words
    assert not [button for button in at.button if button.key == "sweep-start"]
    at.text_area(key="sweep-grid").set_value("loss=kl,infonce\nnegatives=1, 2").run()
    button = at.button(key="sweep-start")
    assert button.label == "Train 12 students"
    button.click().run()
    assert not at.exception
    assert started == [
        ["sweep", "static:all-MiniLM-L6-v2", "--teacher", "toy", "--grid", "loss=kl,infonce", "--grid",
         "negatives=1,2", "--seeds", "13,14,15", "--steps", "400"]
    ]  # fmt: skip


def test_a_reading_of_answers_starts_as_a_job_where_there_are_reference_answers(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained_student(store, "after", 1, 0.7)
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _store, arguments: started.append(arguments))
    at = visit(store, "students")
    assert "A language model answers the 2 queries of test that have reference answers" in text_of(at)
    assert at.button(key="read-start").disabled, "no model is named"
    at.text_input(key="read-model").set_value(" a model ").run()
    at.multiselect(key="read-students").set_value(["after"]).run()
    at.text_input(key="read-settings").set_value("max_new_tokens=8").run()
    at.button(key="read-start").click().run()
    assert not at.exception
    assert started == [
        ["read", "after", "--reader", "completion", "--model", "a model", "--depth", "5", "--split", "test",
         "--set", "max_new_tokens=8"]
    ]  # fmt: skip
