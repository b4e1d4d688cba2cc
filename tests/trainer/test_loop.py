"""The loop: a student learns, static or a transformer, with every seed the same, and frozen weights stand still."""

import json
from dataclasses import replace
from itertools import count

import pytest
import torch
from sentence_transformers import SentenceTransformer

from tests.trainer.toy import EXAMPLES, QUICK, dev_evaluator, student, trained, weights
from workbench.errors import BadSetting
from workbench.trainer import natural_temperature

pytestmark = pytest.mark.slow


def test_a_student_learns_and_holds_its_best_weights(tmp_path):
    progress = []
    model, result = trained(tmp_path, listen=progress.append)
    assert result.improved
    assert result.dev_after > result.dev_before + 0.2
    assert dev_evaluator(model) == result.dev_after == max(line["dev"] for line in result.history if "dev" in line)
    assert (result.steps, result.stopped, result.measure) == (30, "budget", "nDCG@10")
    assert [at.done for at in progress] == list(range(1, 31))
    assert {at.total for at in progress} == {30}
    assert (result.teacher_temperature, result.learning_rate) == (natural_temperature(EXAMPLES), 0.05)
    assert not list(tmp_path.glob("checkpoint-*"))


@pytest.mark.parametrize("name", ["utility_infonce", "kl", "infonce"])
def test_every_loss_trains_with_the_same_seed_to_the_same_bits(tmp_path, name):
    settings = replace(QUICK, loss=name, steps=10)
    # To a dev evaluator for which each student is better than the one before, the last weights are the best.
    rising = count()
    one, other = (
        trained(tmp_path / turn, settings, dev_evaluator=lambda _: next(rising))[0] for turn in ("one", "two")
    )
    assert not torch.equal(weights(one), weights(student()))
    assert torch.equal(weights(one), weights(other))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_transformer_learns_in_either_precision_and_stays_float32(tmp_path, transformer_folder, precision):
    model = SentenceTransformer(str(transformer_folder), device="cpu")
    before = [value.detach().clone() for value in model.parameters()]
    settings = replace(QUICK, steps=10, learning_rate=1e-2, precision=precision, max_tokens=6)
    rising = count()
    trained(tmp_path, settings, model, dev_evaluator=lambda _: next(rising))
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert any(not torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True))
    losses = [json.loads(line).get("loss") for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[1]


def test_frozen_weights_are_neither_changed_nor_kept(tmp_path, transformer_folder):
    model = SentenceTransformer(str(transformer_folder), device="cpu")
    for name, value in model.named_parameters():
        value.requires_grad = "layer.1" in name
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    rising = count()
    _, result = trained(tmp_path, replace(QUICK, steps=10), model, dev_evaluator=lambda _: next(rising))
    assert result.best_step == 10
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed
    assert all("layer.1" in name for name in changed)
    whole = sum(value.nbytes for value in before.values())
    assert (tmp_path / "best-10.safetensors").stat().st_size < whole / 2


def test_a_student_with_nothing_to_train_is_refused(tmp_path):
    model = student().requires_grad_(False)
    with pytest.raises(BadSetting, match="frozen"):
        trained(tmp_path, model=model)
