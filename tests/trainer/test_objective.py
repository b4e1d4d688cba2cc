"""The objective: batches larger than memory have the gradients of the whole batch."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertModel

from tests.trainer.toy import QUICK, trained
from workbench.errors import BadSetting
from workbench.records import silent
from workbench.trainer import Trained, reading

# Forward passes by which the memory of a token is measured, once a training.
MEASURED = 2


def after_three(folder, base, listen=silent, **changes):
    """Return the weights of a transformer after three steps."""
    rising = count()
    model = SentenceTransformer(str(base), device="cpu")
    settings = replace(QUICK, steps=3, evaluate_every=3, learning_rate=1e-3, **changes)
    _, result = trained(folder, settings, model, dev_evaluator=lambda _: next(rising), listen=listen)
    return dict(model.named_parameters()), result


@pytest.fixture(scope="module")
def of_whole_batches(
    tmp_path_factory: pytest.TempPathFactory, without_dropout: Path
) -> dict[str, tuple[dict[str, torch.Tensor], Trained]]:
    return {
        loss: after_three(tmp_path_factory.mktemp(loss), without_dropout, loss=loss)
        for loss in ("utility_infonce", "kl")
    }


@pytest.mark.parametrize("chunk", [1, 3, 100])
@pytest.mark.parametrize("loss", ["utility_infonce", "kl"])
def test_read_in_chunks_a_batch_gives_the_same_weights(tmp_path, of_whole_batches, without_dropout, loss, chunk):
    whole, one = of_whole_batches[loss]
    parts, other = after_three(tmp_path, without_dropout, loss=loss, chunk=chunk)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}")
    assert other.history[-1]["loss"] == pytest.approx(one.history[-1]["loss"], abs=1e-5)
    untouched = dict(SentenceTransformer(str(without_dropout), device="cpu").named_parameters())
    assert max((untouched[name] - value).abs().max() for name, value in whole.items()) > 1e-3


def test_the_second_reading_repeats_the_dropout_of_the_first(tmp_path, transformer_folder, monkeypatch):
    whole, _ = after_three(tmp_path / "whole", transformer_folder, dropout=None, chunk=3)
    monkeypatch.setattr(reading, "MOST_KEPT_ON_CPU", 0)
    parts, _ = after_three(tmp_path / "parts", transformer_folder, dropout=None, chunk=3)
    for name, value in whole.items():
        assert torch.equal(parts[name], value), name
    without, _ = after_three(tmp_path / "without", transformer_folder, chunk=3)
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
    whole, one = of_whole_batches["kl"]
    parts, other = after_three(tmp_path, without_dropout, loss="kl", accumulate=2)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6)
    assert (other.steps, len(other.history)) == (one.steps, len(one.history))
    assert other.history[-1]["loss"] == pytest.approx(one.history[-1]["loss"], abs=1e-5)


def test_a_static_student_has_nothing_to_read_in_chunks(tmp_path):
    with pytest.raises(BadSetting, match="chunk"):
        trained(tmp_path, replace(QUICK, chunk=8))
