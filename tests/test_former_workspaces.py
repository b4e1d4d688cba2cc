"""A workspace of schema 3, made before methods and architectures had their names, opens and works on."""

from __future__ import annotations

import json
import tarfile
from dataclasses import fields
from pathlib import Path

import pytest

import workbench as wb
from workbench import students
from workbench.store import Store, views
from workbench.trainer.settings import FORMER

WORKSPACES = Path(__file__).parent / "workspaces"
MEASURES = json.loads((WORKSPACES / "schema-3.json").read_text("utf-8"))
LEXICAL = "lexical:jm0.5:mean:0af88a"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the workspace and the base that its students go back to."""
    folder = tmp_path_factory.mktemp("former")
    with tarfile.open(WORKSPACES / "schema-3.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Open it where its students were trained: beside the folder `base`."""
    monkeypatch.chdir(folder)
    return Store(folder / "schema-3")


def test_every_row_is_there(store: Store) -> None:
    counts = views.counts(store)
    assert (counts.passages, counts.queries, counts.qrels, counts.candidates) == (24, 24, 36, 336)
    assert (counts.utilities, counts.runs, counts.annotations) == (235, 6, 5)
    assert {teacher.teacher: (teacher.unit, teacher.pairs) for teacher in views.teachers(store)} == {
        "imported:letters": ("unknown", 36),
        LEXICAL: ("nats per token", 199),
    }
    values = [utility for example in views.examples(store, LEXICAL, "train") for utility in example.utilities]
    assert len(values) == 66
    assert sum(values) == pytest.approx(-9.33787, abs=1e-5)
    assert {(row.annotator, row.query_id, row.passage_id): row.verdict for row in views.verdicts(store)} == {
        ("ada", "q2", "p/2"): "useful",
        ("ada", "q2", "s 2"): "useless",
        ("bob", "q2", "s 2"): "harmful",
        ("ada", "r0", "s 0"): "useful",
        ("ada", "r0", "p/0"): "useless",
    }


def test_its_texts_are_read_as_before_and_its_runs_are_not_stale(store: Store) -> None:
    assert wb.settings(store).title_join == "sentence"
    titled = [passage for passage in views.passages(store) if passage.title]
    assert titled
    assert all(passage.content == f"{passage.title}. {passage.text}" for passage in titled)
    assert {run.collection for run in views.runs(store)} == {views.collection_fingerprint(store)}
    assert {(run.index_kind, run.recall) for run in views.runs(store)} == {("flat", None)}
    trained = [student.recipe for student in students.trained(store.students) if "collection" in student.recipe]
    assert {recipe["collection"] for recipe in trained} == {views.collection_fingerprint(store)}


@pytest.mark.parametrize("name", MEASURES)
def test_every_student_evaluates_as_before(store: Store, name: str) -> None:
    before = _similarities(store, name)
    evaluation = wb.evaluate(store, name)
    assert {measure: interval.mean for measure, interval in evaluation.measures.items()} == pytest.approx(
        MEASURES[name], abs=1e-9
    )
    assert not evaluation.stale
    assert _similarities(store, name) == pytest.approx(before, abs=1e-5)


def _similarities(store: Store, student: str) -> dict[tuple[str, str], float]:
    run = views.find_run(store, student, "test")
    return {(hit.query_id, hit.passage_id): hit.similarity for hit in views.hits(store, run)}


def test_recipes_are_read_in_todays_words(store: Store) -> None:
    made = {student.name: student.recipe for student in students.trained(store.students)}
    assert {name: recipe["method"] for name, recipe in made.items()} == {
        "static:base": "static",
        "multi:base": "multi",
        "full-static": "full",
        "query-adapter": "query_adapter",
        "multi-vector": "full",
        "annotated": "full",
    }
    assert {name for name, recipe in made.items() if recipe["architecture"] == "multi-vector"} == {
        "multi:base",
        "multi-vector",
    }
    assert made["annotated"]["label_overrides"]["verdicts"] == 2
    for recipe in made.values():
        assert {field.name for field in fields(wb.TrainSettings)} >= set(recipe.get("settings", ()))


def test_the_leaderboard_holds_the_recipes_against_their_bases(store: Store) -> None:
    rows = {row.student: row for row in wb.leaderboard(store).students}
    assert rows.keys() == {*MEASURES, "multi:base"}
    assert {name for name, row in rows.items() if row.measures} == MEASURES.keys()
    assert rows["query-adapter"].settings["method"] == "query_adapter"
    assert rows["annotated"].base == "static:base"


def test_an_evaluation_renews_the_card(store: Store) -> None:
    card = store.students / "query-adapter" / "README.md"
    card.unlink()
    wb.evaluate(store, "query-adapter")
    assert '"method": "query_adapter"' in card.read_text("utf-8")


def test_the_recipe_of_an_old_student_can_be_trained_again(store: Store) -> None:
    old = students.read(store.students / "full-static")
    settings = wb.TrainSettings(**FORMER | old.recipe["settings"])  # what was its default then is not today's
    again = wb.train(store, wb.plan(store, old.base, old.recipe["teacher"], settings, name="full-static"))
    assert again.trained.steps == old.recipe["outcome"]["steps"]
    assert students.read(old.path).recipe["created"] == old.recipe["created"], "a finished training is not done again"
    other = wb.train(store, wb.plan(store, old.base, old.recipe["teacher"], settings))
    assert other.student != old.name
    assert other.trained.dev_before == pytest.approx(old.recipe["outcome"]["dev_before"])
