"""Checkpoints: stopped, cut off or killed, a training goes on to the same weights; a folder is for one training."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from tests import children
from tests.trainer.toy import EXAMPLES, QUICK, student, trained, weights
from workbench.errors import Conflict
from workbench.trainer import Trained

pytestmark = pytest.mark.slow

Training = tuple[SentenceTransformer, Trained]
HARDER = replace(QUICK, refresh=7, hard=5, negatives=2, curriculum=0.4)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Training:
    return trained(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(scope="module")
def undisturbed_harder(tmp_path_factory: pytest.TempPathFactory) -> Training:
    model, outcome = trained(tmp_path_factory.mktemp("harder"), HARDER)
    plain, _ = trained(tmp_path_factory.mktemp("plain"), replace(HARDER, refresh=0))
    assert not torch.equal(weights(plain), weights(model))
    return model, outcome


def test_asked_to_stop_it_ends_after_the_step_and_can_go_on(tmp_path: Path, undisturbed: Training) -> None:
    answers = iter([False] * 19 + [True])
    _, result = trained(tmp_path, stop=lambda: next(answers))
    assert (result.stopped, result.steps) == ("asked", 20)
    rest, end = trained(tmp_path)
    assert (end.stopped, end.steps) == ("budget", 30)
    assert torch.equal(weights(rest), weights(undisturbed[0]))
    steps = [line["step"] for line in end.history]
    assert steps == sorted(set(steps)) == [0, 5, 10, 15, 20, 25, 30]


def test_called_again_after_the_end_it_returns_what_it_returned(tmp_path: Path) -> None:
    model, result = trained(tmp_path, replace(QUICK, steps=10))
    again, same = trained(tmp_path, replace(QUICK, steps=10), dev_evaluator=lambda _: pytest.fail("evaluated again"))
    assert same == result
    assert torch.equal(weights(again), weights(model))


@pytest.mark.parametrize("ends", [10, 14, 21])
def test_with_hard_negatives_and_curriculum_it_goes_on_to_the_same_weights(
    tmp_path: Path, undisturbed_harder: Training, ends: int
) -> None:
    whole, result = undisturbed_harder
    answers = iter([False] * (ends - 1) + [True])
    trained(tmp_path, HARDER, stop=lambda: next(answers))
    rest, end = trained(tmp_path, HARDER)
    assert torch.equal(weights(rest), weights(whole))
    losses = [[line.get("loss") for line in part.history if line["step"] > ends + 5] for part in (end, result)]
    assert losses[0] == losses[1]
    assert not list(tmp_path.glob("mined-*"))


def train_and_die(folder: Path, step: int) -> None:
    """Train until a step, and be killed there."""
    trained(folder, listen=lambda at: os.kill(os.getpid(), signal.SIGKILL) if at.done == step else None)


@pytest.mark.process
@pytest.mark.parametrize("at", [3, 14])
def test_killed_it_goes_on_to_the_same_weights(tmp_path: Path, undisturbed: Training, at: int) -> None:
    whole, result = undisturbed
    child = children.call(train_and_die, tmp_path, at)
    assert child.wait() == -signal.SIGKILL, child.stderr
    # A line and a checkpoint that were being written when the process died.
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('{"step": 2')
    (tmp_path / "checkpoint-29").mkdir()
    steps: list[int] = []
    rest, end = trained(tmp_path, listen=lambda progress: steps.append(progress.done))
    assert steps[0] == at // 10 * 10 + 1
    assert torch.equal(weights(rest), weights(whole))
    assert [line["step"] for line in end.history] == [line["step"] for line in result.history]
    for one, other in zip(end.history, result.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert (end.best_step, end.dev_before, end.dev_after) == (result.best_step, result.dev_before, result.dev_after)


@pytest.mark.parametrize("difference", ["seed", "data", "weights"])
def test_a_folder_is_for_one_training(tmp_path: Path, difference: str) -> None:
    trained(tmp_path, replace(QUICK, steps=10))
    settings = replace(QUICK, steps=10, seed=8 if difference == "seed" else QUICK.seed)
    examples = EXAMPLES[1:] if difference == "data" else EXAMPLES
    model = student()
    if difference == "weights":
        torch.nn.init.ones_(model[0].embedding.weight)
    with pytest.raises(Conflict, match=difference):
        trained(tmp_path, settings, model, examples=examples)
