"""Train: learns on train, chooses on dev, and is not done twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import utility
from tests.shell import shell, worked
from tests.steps.classes import TOPICS, collection
from tests.steps.teach.quick import QUICK, trained, weights
from workbench import students
from workbench.errors import BadSetting, Conflict
from workbench.records import Qrel
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.teach import train as step
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.train import TrainResult, train, work_folder
from workbench.store import Store, views

pytestmark = pytest.mark.slow


def spoiled(store: Store, split: str) -> Store:
    """Turn round what is known of a split's queries: the relevant passages, and what the teacher says."""
    others = [(query, passage) for query, passage in judged(store, split)]
    with store.write() as connection:
        connection.execute("delete from qrels where starts_with(query_id, ?)", [split])
        connection.execute("delete from utilities where starts_with(query_id, ?)", [split])
    wrong = [(query, f"p{(int(passage[1]) + 3) % TOPICS}{passage[2:]}") for query, passage in others]
    store.add_collection((), (), [Qrel(query, passage, 1) for query, passage in wrong])
    store.add_scored([utility(query, passage, 3.0) for query, passage in wrong])
    return store


def judged(store: Store, split: str) -> list[tuple[str, str]]:
    return [(qrel.query_id, qrel.passage_id) for qrel in views.qrels(store, split)]


def history_lines(result: TrainResult) -> list[str]:
    return (Path(result.path) / "history.jsonl").read_text("utf-8").splitlines()


def test_it_learns_what_the_teacher_finds_useful_and_says_how_well(school: Store, untrained: str) -> None:
    result = trained(school, untrained)
    outcome = result.trained
    assert outcome.dev_after > outcome.dev_before + 0.2
    assert f"nDCG@10 on dev {outcome.dev_before:.3f} to {outcome.dev_after:.3f}" in result.in_words
    assert (result.examples, result.teacher, outcome.stopped) == (TOPICS, "toy", "budget")
    assert not work_folder(school, result.student).exists()
    for split in ("dev", "test"):
        before, after = (evaluate(school, name, split).measures["nDCG@10"].mean for name in (untrained, result.student))
        assert after > before + 0.2
    assert evaluate(school, result.student, "dev").measures["nDCG@10"].mean == pytest.approx(outcome.dev_after)


def test_a_student_is_a_folder_that_anybody_opens_and_that_says_how_it_was_made(school: Store, untrained: str) -> None:
    result = trained(school, untrained)
    assert not torch.equal(weights(result.path), weights(untrained))
    recipe: dict[str, Any] = json.loads((Path(result.path) / "student.json").read_text("utf-8"))
    assert (recipe["name"], recipe["base"], recipe["teacher"]) == (result.student, untrained, "toy")
    assert (recipe["loss"], recipe["seed"]) == ("utility_infonce", QUICK.seed)
    assert recipe["settings"]["learning_rate"] == 0.05
    assert recipe["data"]["queries"] == TOPICS
    assert recipe["collection"] == views.collection_fingerprint(school)
    assert recipe["outcome"]["dev_after"] == result.trained.dev_after
    assert {"torch", "transformers", "sentence-transformers"} <= recipe["versions"].keys()
    assert [line["step"] for line in map(json.loads, history_lines(result))] == [0, 5, 10, 15, 20, 25, 30]


def test_a_training_stopped_before_it_gained_anything_is_no_student_and_goes_on(
    school: Store, untrained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(school, untrained, "toy", QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(step, "dev_evaluator", lambda *_: lambda _model: 0.5)
        stopped = step.train(school, planned, stop=lambda: True)
    assert stopped.unfinished
    assert "stopped at step 1," in stopped.in_words
    assert "Try" not in stopped.in_words, "advice is for trainings that ran"
    assert students.trained(school.students) == []
    assert work_folder(school, planned.name).is_dir()
    result = step.train(school, planned)
    assert (result.unfinished, result.trained.steps) == (False, QUICK.steps)
    assert [student.name for student in students.trained(school.students)] == [planned.name]


def test_a_student_no_better_than_its_base_is_the_base_and_says_so(
    school: Store, untrained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([0.9, 0.5, 0.9, 0.4])
    monkeypatch.setattr(step, "dev_evaluator", lambda *_: lambda _model: next(values))
    result = trained(school, untrained)
    assert result.in_words.startswith(f"{result.student}: no evaluation on dev beat the base (nDCG@10 0.900)")
    assert torch.equal(weights(result.path), weights(untrained))


def test_the_test_split_is_never_looked_at(tmp_path: Path, untrained: str) -> None:
    one = trained(collection(tmp_path / "one"), untrained)
    other = trained(spoiled(collection(tmp_path / "other"), "test"), untrained)
    assert other.student == one.student
    assert torch.equal(weights(one.path), weights(other.path))
    assert [record["dev"] for record in other.trained.history if "dev" in record] == [
        record["dev"] for record in one.trained.history if "dev" in record
    ]


def test_dev_chooses_and_is_not_learned_from(tmp_path: Path, untrained: str) -> None:
    one = trained(collection(tmp_path / "one"), untrained, replace(QUICK, steps=10))
    other = trained(spoiled(collection(tmp_path / "other"), "dev"), untrained, replace(QUICK, steps=10))
    assert other.trained.dev_before != one.trained.dev_before
    # what was learnt is the same: the loss follows the same course
    assert [record.get("loss") for record in other.trained.history] == [
        record.get("loss") for record in one.trained.history
    ]


def test_a_sum_of_losses_is_learned_from_and_names_the_student(school: Store, untrained: str) -> None:
    spec = "utility_infonce + 0.2*infonce(alpha=0.6)"
    result = trained(school, untrained, replace(QUICK, loss=spec))
    assert result.student.rpartition("-")[0].endswith("-untrained-utility-infonce-0.2-infonce-alpha-0.6")
    assert result.trained.dev_after > result.trained.dev_before + 0.2
    assert students.find(result.student, school.students).recipe["loss"] == spec
    long = " + ".join(["0.125*contrastive_partial_ranking(hard=2)"] * 8)
    name = plan(school, untrained, "toy", replace(QUICK, loss=long)).name
    assert "-untrained-0.125-contrastive-partial-ranking-hard-2-" in name
    assert len(name) < len(long)


def test_a_name_that_is_given_is_kept_and_never_taken_twice(school: Store, untrained: str) -> None:
    assert trained(school, untrained, replace(QUICK, steps=10), "my student").student == "my student"
    with pytest.raises(Conflict, match="made by another recipe"):
        trained(school, untrained, replace(QUICK, steps=11), "my student")
    for taken in ("bm25", untrained):
        with pytest.raises(BadSetting, match="taken"):
            plan(school, untrained, "toy", QUICK, taken)


def test_a_finished_plan_is_not_done_again(school: Store, untrained: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = trained(school, untrained, replace(QUICK, steps=10))
    monkeypatch.setattr(step.trainer, "train", lambda *_: pytest.fail("trained again"))
    assert trained(school, untrained, replace(QUICK, steps=10)) == first


def test_killed_between_saving_and_clearing_away_it_is_finished(school: Store, untrained: str) -> None:
    first = trained(school, untrained, replace(QUICK, steps=10))
    left = work_folder(school, first.student)
    left.mkdir()
    (left / "trained.json").write_text("{}")  # its weights were deleted already
    assert trained(school, untrained, replace(QUICK, steps=10)) == first
    assert not left.exists()


def test_options_win_over_a_preset_even_where_they_say_what_is_usual(school: Store, untrained: str) -> None:
    quick = ["--steps", "5", "--batch-size", "32", "--set", "minutes=null", "--evaluate-every", "5"]
    run = worked("train", untrained, "--teacher", "qrels", "--preset", "gpu", "--set", "precision=float32", *quick,
                  "--curriculum", "0.4", "--refresh", "2", workspace=school.path)  # fmt: skip
    assert "trained on the qrels" in run.err
    (student,) = students.trained(school.students)
    settings = student.recipe["settings"]
    assert (settings["steps"], settings["batch_size"], settings["minutes"], settings["negatives"]) == (5, 32, None, 8)
    assert (settings["curriculum"], settings["refresh"], settings["precision"]) == (0.4, 2, "float32")
    assert "preset named 'tpu'" in shell("train", "--preset", "tpu", workspace=school.path).err


def test_two_trainings_of_a_name_do_not_write_into_one_folder(
    school: Store, untrained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(school, untrained, "toy", QUICK)

    def meanwhile(*_: object) -> None:
        with pytest.raises(Conflict, match="Another process trains this student"):
            train(school, planned, stop=lambda: True)
        raise ZeroDivisionError

    monkeypatch.setattr(step, "_train", meanwhile)
    with pytest.raises(ZeroDivisionError):
        train(school, planned)
