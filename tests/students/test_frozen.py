"""Frozen layers: what they make of a text is computed once, and is what it would be."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from tests import tiny
from tests.trainer.conftest import save_bert
from tests.trainer.toy import QUICK, trained
from workbench.errors import BadSetting
from workbench.students import methods
from workbench.students.methods import MethodInputs, frozen
from workbench.students.methods.frozen import FrozenLayers, freeze

TEXTS = ["the answer1", "of the question2 filler3", "filler1"]


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a transformer of three layers."""
    return save_bert(tmp_path_factory.mktemp("deep"), num_hidden_layers=3)


def test_lower_layers_that_are_left_out_change_no_output_and_no_gradient(deep: Path) -> None:
    model = SentenceTransformer(str(deep), device="cpu").eval()
    layers = FrozenLayers(model, 2)
    names = {name for name, value in model.named_parameters() if value.requires_grad}
    assert names
    assert all("layer.2." in name or "pooler" in name for name in names)

    def outputs(texts: list[str]) -> torch.Tensor:
        return model(model.preprocess(texts))["sentence_embedding"]

    def gradient(vectors: torch.Tensor) -> torch.Tensor:
        model.zero_grad()
        vectors.square().sum().backward()
        return model[0].auto_model.encoder.layer[-1].output.dense.weight.grad.clone()

    expected, alone = outputs(TEXTS), outputs(TEXTS[2:])
    expected_gradient = gradient(expected)
    for _ in range(2):
        with layers.left_out():
            torch.testing.assert_close(outputs(TEXTS), expected, rtol=0, atol=1e-6)
            torch.testing.assert_close(outputs(TEXTS[2:]), alone, rtol=0, atol=1e-6)
            torch.testing.assert_close(gradient(outputs(TEXTS)), expected_gradient, rtol=1e-4, atol=1e-6)
    assert names == {name for name, value in model.named_parameters() if value.requires_grad}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_training_with_them_is_the_one_without_their_outputs_stored(
    deep: Path, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, layer_calls = [], []
    layer = type(SentenceTransformer(str(deep), device="cpu")[0].auto_model.encoder.layer[0])
    forward = layer.forward
    monkeypatch.setattr(layer, "forward", lambda *args, **more: layer_calls.append(1) or forward(*args, **more))
    for most in (2**30, 0):
        monkeypatch.setattr(frozen, "MOST_STORED", most)
        layer_calls.clear()
        base = SentenceTransformer(str(deep), device="cpu")
        before = {name: value.detach().clone() for name, value in base.named_parameters()}
        model = methods.make(method, MethodInputs(base, seed=1)).model
        rising = count()
        settings = replace(QUICK, method=method, steps=6, evaluate_every=6, learning_rate=1e-2, frozen_layers=2)
        _, outcome = trained(tmp_path / str(most), settings, model, dev_evaluator=lambda _, r=rising: next(r))
        changed = {
            name for name, value in base.named_parameters() if name in before and not torch.equal(value, before[name])
        }
        assert all("layer.2." in name or "pooler" in name for name in changed)
        runs.append((outcome.history[-1]["loss"], len(layer_calls)))
    assert runs[0][0] == pytest.approx(runs[1][0], rel=1e-4)
    assert runs[0][1] < runs[1][1], "fewer layers are read where their outputs are stored"


def test_what_has_no_such_layers_is_refused(deep: Path) -> None:
    with pytest.raises(BadSetting, match="has 3 layers"):
        freeze(SentenceTransformer(str(deep), device="cpu"), 3)
    with pytest.raises(BadSetting, match="no layers"):
        freeze(tiny.static(), 1)
