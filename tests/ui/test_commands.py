"""The commands that forms and empty pages print do what they say: they are taken from the page and run."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests import tiny
from tests.steps.classes import WORDS, collection
from tests.ui.copied import printed_lines, run_line
from tests.ui.pages import PAGES, Visit, text_of
from workbench import students
from workbench.cli.app import COMMANDS
from workbench.steps.annotate.annotate import annotate
from workbench.store import Store, views
from workbench.students import Student

BASE = "a base"


@pytest.fixture
def topics(tmp_path: Path) -> Store:
    """Return the collection of topics, scored by "toy", with a student of a few words to start from."""
    store = collection(tmp_path / "a workspace")
    recipe = {"teacher": "toy", "loss": "kl"}
    students.save(tiny.static(seed=1, words=WORDS), Student(BASE, store.students / "a-base", "", recipe))
    return store


def filled(at: AppTest, **numbers: float) -> AppTest:
    """Fill in the form of a training."""
    at.selectbox(key="base").set_value(BASE)
    for name, value in numbers.items():
        at.number_input(key=name.replace("_", "-")).set_value(value)
    return at.run()


@pytest.mark.slow
@pytest.mark.parametrize("state", ["plain", "adapter", "preset", "annotated"])
def test_the_line_of_a_training_trains_what_the_form_asks_for(topics: Store, visit: Visit, state: str) -> None:
    annotate(topics, "train0", "p0-0", "useful", "Ada")
    at = visit(topics, "train")
    expected: dict[str, Any] = {"seed": 13}
    if state == "plain":
        at.text_input(key="loss-sum").set_value("kl + 0.5*infonce(alpha=0.6)")
        at = filled(at, steps=4, batch_size=4, learning_rate=0.0123456789, teacher_temperature=0.7)
        expected |= {"loss": "kl + 0.5*infonce(alpha=0.6)", "learning_rate": 0.0123456789, "teacher_temperature": 0.7}
    elif state == "adapter":
        at.selectbox(key="method").set_value("query_adapter").run()
        at = filled(at, steps=4, batch_size=4, rank=2, negatives=1, seed=5)
        expected |= {"method": "query_adapter", "rank": 2, "negatives": 1, "seed": 5}
    elif state == "preset":
        at.segmented_control(key="preset").set_value("cpu").run()
        at = filled(at, **{"steps-cpu": 4, "batch-size-cpu": 4, "minutes-cpu": 0.5})
        expected |= {"minutes": 0.5}
    else:
        at.checkbox(key="only-annotated").check()
        at = filled(at, steps=4, batch_size=1)
    assert not at.exception
    (line,) = [line for line in printed_lines(at) if " train " in line]
    result = run_line(line)
    recipe = json.loads((topics.students / result["student"] / "student.json").read_text("utf-8"))
    settings = recipe["settings"] | {"method": recipe.get("method", "full")}
    assert {name: settings[name] for name in expected} == expected
    assert (recipe["base"], recipe["teacher"], settings["steps"]) == (BASE, "toy", 4)
    assert ("label_overrides" in recipe) == (state == "annotated")


@pytest.mark.slow
def test_the_line_of_a_sweep_trains_as_many_students_as_the_button_says(topics: Store, visit: Visit) -> None:
    at = visit(topics, "students")
    at.selectbox(key="sweep-base").set_value(BASE)
    at.text_area(key="sweep-grid").set_value("loss=kl, infonce\nbatch_size=4")
    at.text_input(key="sweep-seeds").set_value("13")
    at.number_input(key="sweep-steps").set_value(2)
    at.number_input(key="sweep-minutes").set_value(1.5).run()
    assert at.button(key="sweep-start").label == "Train 2 students"
    (line,) = [line for line in printed_lines(at) if " sweep " in line]
    run_line(line)
    recipes = [student.recipe for student in students.trained(topics.students) if student.name != BASE]
    assert sorted(recipe["loss"] for recipe in recipes) == ["infonce", "kl"]
    assert {recipe["settings"]["minutes"] for recipe in recipes} == {1.5}


@pytest.mark.slow
def test_the_line_of_an_export_writes_the_folder_it_names(topics: Store, visit: Visit) -> None:
    (line,) = [line for line in printed_lines(visit(topics, "train")) if " export-student " in line]
    run_line(line)
    assert [student.path for student in students.trained(topics.exports)] == [Path(shlex.split(line)[-1])]


def test_the_line_of_the_annotations_writes_all_of_them(
    store: Store, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotate(store, "q1", "03", "useless", "Ada")
    annotate(store, "q1", "p 2", "harmful", "Ada")
    (line,) = [line for line in printed_lines(visit(store, "annotate")) if " export annotations " in line]
    monkeypatch.chdir(tmp_path)
    assert run_line(line)["rows"] == 2
    rows = [json.loads(row) for row in (tmp_path / "annotations.jsonl").read_text("utf-8").splitlines()]
    assert {(row["query_id"], row["passage_id"], row["verdict"]) for row in rows} == {
        ("q1", "03", "useless"),
        ("q1", "p 2", "harmful"),
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_line_of_an_empty_page_names_the_workspace_and_a_command(empty: Store, visit: Visit, page: str) -> None:
    lines = printed_lines(visit(empty, page))
    assert lines
    for line in lines:
        program, option, path, command, *_ = shlex.split(line)
        assert (program, option, path) == ("workbench", "--workspace", str(empty.path))
        assert command in COMMANDS


@pytest.mark.slow
def test_the_lines_of_empty_pages_lead_to_a_page_that_shows_something(
    topics: Store, visit: Visit, tmp_path: Path
) -> None:
    bare = Store(tmp_path / "bare", create=True)
    bare.add_collection(list(views.queries(topics)), list(views.passages(topics)), list(views.qrels(topics, "test")))
    for command in ("candidates", "score", "evaluate"):
        at = visit(bare, "utility")
        assert "Nothing here yet" in text_of(at)
        assert re.search(rf"\*\*(Next|Needed here): {command}\*\*", text_of(at))
        (line,) = printed_lines(at)
        assert shlex.split(line)[3] == command
        run_line(line)
    at = visit(bare, "utility")
    assert "Nothing here yet" not in text_of(at)
    assert "Regret" in text_of(at)
