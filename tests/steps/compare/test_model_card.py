"""A trained student's card gains its measures once it is evaluated."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.steps import classes
from tests.steps.compare.answers.scripted import FirstWords
from workbench.records import Passage
from workbench.steps.compare import model_card
from workbench.steps.teach.train import TrainResult
from workbench.store import Store


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, TrainResult]:
    folder = tmp_path_factory.mktemp("card")
    store = classes.collection(folder / "workspace")
    settings = wb.TrainSettings(steps=8, evaluate_every=4, batch_size=4)
    return store, wb.train(store, wb.plan(store, classes.base(folder / "base"), "toy", settings))


def test_a_card_is_there_from_the_start_and_rewritten_by_evaluate(trained: tuple[Store, TrainResult]) -> None:
    store, result = trained
    file = Path(result.path) / "README.md"
    text = file.read_text("utf-8")
    assert "has not been evaluated on test" in text
    assert "arXiv 2604.22722" in text
    assert "24 passages" in text
    wb.evaluate(store, "bm25")
    found = wb.evaluate(store, result.student)
    text = file.read_text("utf-8")
    assert f"| nDCG@10 | {found.measures['nDCG@10']} |" in text
    assert "this - `bm25`" in text
    assert "`base` has not been evaluated." in text
    # The recipe's base is a folder of this machine, which is nobody else's business.
    assert str(Path(result.base).parent) not in text


def test_a_card_shows_the_answers_that_were_read(trained: tuple[Store, TrainResult]) -> None:
    store, result = trained
    name = "`F1(first-words-2)@1`"
    for student in ("bm25", result.student):
        wb.evaluate(store, student)
    measures = wb.read(store, result.student, FirstWords(), depth=1).measures
    text = (Path(result.path) / "README.md").read_text("utf-8")
    assert f"| {name} | {next(iter(measures.values()))} | not read |  |" in text
    assert f"{name} and its exact match are over 8 answered queries" in text
    wb.read(store, "bm25", FirstWords(), depth=1)
    wb.evaluate(store, result.student)
    assert "not read" not in (Path(result.path) / "README.md").read_text("utf-8")


def test_what_is_no_student_of_the_workspace_gets_no_card(trained: tuple[Store, TrainResult]) -> None:
    store, _ = trained
    model_card.renew(store, "bm25")
    assert not (store.students / "bm25").exists()


def test_a_changed_collection_is_told(trained: tuple[Store, TrainResult]) -> None:
    store, result = trained
    wb.evaluate(store, result.student)
    store.add_collection((), [Passage("new", "", "the question1")])
    model_card.renew(store, result.student)
    text = (Path(result.path) / "README.md").read_text("utf-8")
    assert "It has changed since the training" in text
    assert "The collection has changed since." in text
