"""The objective: batches larger than memory have the gradients of the whole batch."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertModel

from tests.trainer.toy import EXAMPLES, PASSAGES, QUICK, trained
from workbench.errors import BadSetting
from workbench.records import silent
from workbench.trainer import Trained, reading
from workbench.trainer.batches import Batches
from workbench.trainer.batches.collator import Collator
from workbench.trainer.objective import Objective

After = tuple[dict[str, torch.Tensor], Trained]
# Forward passes by which the memory of a token is measured, once a training.
MEASURED = 2


def after_three(folder, base, listen=silent, **changes):
    """Return the weights of a transformer after three steps."""
    rising = count()
    model = SentenceTransformer(str(base), device="cpu")
    settings = replace(QUICK, steps=3, evaluate_every=3, learning_rate=1e-3, **changes)
    _, result = trained(folder, settings, model, dev_evaluator=lambda _: next(rising), listen=listen)
    return dict(model.named_parameters()), result


def gradients(folder, **changes):
    """Return the loss of a batch and the gradients of all weights."""
    model = SentenceTransformer(str(folder), device="cpu").train()
    batches = Batches(EXAMPLES, PASSAGES, replace(QUICK, **changes))
    tensors = Collator(model, batches)([{"slot": slot} for slot in range(4)])
    sides = [
        {key.removeprefix(f"{side}_"): value for key, value in tensors.items() if key.startswith(side)}
        for side in ("query", "passage")
    ]
    loss = Objective(model, batches.settings)(sides, tensors["label"])
    loss.backward()
    return loss.item(), {name: value.grad for name, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("chunk", [1, 3, 100])
@pytest.mark.parametrize("loss", ["utility_infonce", "kl"])
@pytest.mark.parametrize("most_kept", [0, 2**30])
def test_read_in_parts_a_batch_has_the_same_gradients(without_dropout, loss, chunk, most_kept, monkeypatch):
    monkeypatch.setattr(reading, "PART_TOKENS", {"cpu": 10**9})
    value, whole = gradients(without_dropout, loss=loss)
    monkeypatch.setattr(reading, "MOST_KEPT_ON_CPU", most_kept)
    other, parts = gradients(without_dropout, loss=loss, chunk=chunk)
    assert other == pytest.approx(value, abs=1e-6)
    assert parts.keys() == whole.keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, rtol=1e-4, atol=1e-6 * gradient.abs().max().item() + 1e-9)


@pytest.fixture(scope="module")
def of_whole_batches(tmp_path_factory: pytest.TempPathFactory, without_dropout: Path) -> After:
    # All candidates are drawn: none more comes with another query of the whole batch.
    return after_three(tmp_path_factory.mktemp("kl"), without_dropout, loss="kl", candidates=6)


def test_the_second_reading_repeats_the_dropout_of_the_first(tmp_path, transformer_folder, monkeypatch):
    whole, _ = after_three(tmp_path / "whole", transformer_folder, dropout=None, chunk=3)
    monkeypatch.setattr(reading, "MOST_KEPT_ON_CPU", 0)
    parts, _ = after_three(tmp_path / "parts", transformer_folder, dropout=None, chunk=3)
    for name, value in whole.items():
        assert torch.equal(parts[name], value), name
    without, _ = after_three(tmp_path / "without", transformer_folder, dropout=0.0, chunk=3)
    assert any(not torch.equal(without[name], value) for name, value in whole.items())


def test_a_batch_that_memory_holds_is_read_once(tmp_path, transformer_folder, monkeypatch):
    def forwards(folder, **changes):
        calls = []
        forward = BertModel.forward
        monkeypatch.setattr(BertModel, "forward", lambda *args, **more: calls.append(1) or forward(*args, **more))
        after_three(tmp_path / folder, transformer_folder, **changes)
        monkeypatch.setattr(BertModel, "forward", forward)
        return len(calls) - MEASURED

    assert forwards("whole") == 3 * 2, "each side once a step"
    parts = forwards("parts", chunk=3)
    assert parts > 3 * 2
    monkeypatch.setattr(reading, "MOST_KEPT_ON_CPU", 0)
    assert forwards("twice", chunk=3) == 2 * parts


def test_accumulated_parts_add_up_to_the_batch_where_no_negative_comes_from_another_query(
    tmp_path, of_whole_batches, without_dropout
):
    whole, one = of_whole_batches
    parts, other = after_three(tmp_path, without_dropout, loss="kl", candidates=6, accumulate=2)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6)
    assert (other.steps, len(other.history)) == (one.steps, len(one.history))
    assert other.history[-1]["loss"] == pytest.approx(one.history[-1]["loss"], abs=1e-5)


def test_a_static_student_has_nothing_to_read_in_chunks(tmp_path):
    with pytest.raises(BadSetting, match="chunk"):
        trained(tmp_path, replace(QUICK, chunk=8))
