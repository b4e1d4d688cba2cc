"""The objective: batches larger than memory have the gradients of the whole batch."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from tests.trainer.toy import QUICK, trained
from workbench.errors import BadSetting
from workbench.trainer import Trained


def after_three(folder, base, **changes):
    """Return the weights of a transformer after three steps."""
    rising = count()
    model = SentenceTransformer(str(base), device="cpu")
    settings = replace(QUICK, steps=3, evaluate_every=3, learning_rate=1e-3, **changes)
    _, result = trained(folder, settings, model, dev_evaluator=lambda _: next(rising))
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


def test_the_second_reading_repeats_the_dropout_of_the_first(tmp_path, transformer_folder):
    # One chunk holds the whole batch, so that both ways draw the same masks, if the second reading draws none anew.
    whole, _ = after_three(tmp_path / "whole", transformer_folder)
    parts, _ = after_three(tmp_path / "parts", transformer_folder, chunk=100)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6)


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
