"""The callback: the history it writes, what it keeps of the evaluations, and when it ends a training."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainer.toy import QUICK, student, trained, weights
from workbench.errors import BadSetting


def test_the_history_is_a_line_for_each_fifth_and_each_evaluated_step(tmp_path):
    _, result = trained(tmp_path, replace(QUICK, evaluate_every=8))
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert tuple(lines) == result.history
    assert [line["step"] for line in lines] == [0, 5, 8, 10, 15, 16, 20, 24, 25, 30]
    assert [line["step"] for line in lines if "dev" in line] == [0, 8, 16, 24, 30]
    for line in lines[1:]:
        assert line["loss"] > 0
        assert line["effective"] == pytest.approx(np.exp(line["entropy"]))
        assert 1 <= line["effective"] <= QUICK.candidates
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)


def test_a_training_that_never_beats_its_base_gives_the_base_back(tmp_path):
    values = iter([0.9, 0.5, 0.9, 0.4])
    model, result = trained(tmp_path, dev_evaluator=lambda _: next(values))
    assert not result.improved
    assert (result.best_step, result.dev_after, result.steps) == (0, 0.9, 30)
    assert torch.equal(weights(model), weights(student()))


def test_patience_ends_a_training_and_the_best_is_kept(tmp_path):
    values = iter([0.1, 0.5, 0.4, 0.3, 0.9])
    _, result = trained(tmp_path, replace(QUICK, steps=100, patience=2), dev_evaluator=lambda _: next(values))
    assert (result.stopped, result.steps, result.best_step, result.dev_after) == ("patience", 30, 10, 0.5)


def test_minutes_end_a_training(tmp_path):
    _, result = trained(tmp_path, replace(QUICK, steps=100_000, minutes=0.02))
    assert result.stopped == "budget"
    assert 0 < result.steps < 100_000
    assert result.history[-1]["step"] == result.steps
    assert "dev" in result.history[-1]


def test_a_loss_that_diverges_is_an_error_and_not_trained_on(tmp_path):
    with pytest.raises(BadSetting, match="diverged"):
        trained(tmp_path, replace(QUICK, learning_rate=1e38, warmup=0.0))


def test_a_dev_evaluator_that_returns_no_number_is_a_caller_s_bug(tmp_path):
    with pytest.raises(ValueError, match="dev_evaluator"):
        trained(tmp_path, dev_evaluator=lambda _: float("nan"))
