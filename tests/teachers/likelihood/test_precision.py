"""bfloat16 only where it says the same as float32, and how far it is from that in words."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.teachers import models
from tests.teachers.likelihood.test_teacher import GROUPS, prepared, scored
from workbench import machine
from workbench.teachers.likelihood import precision


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.write(tmp_path_factory.mktemp("models") / "llama")


@pytest.mark.parametrize(("tolerance", "dtype"), [(math.inf, "bfloat16"), (0.0, "float32")])
def test_auto_is_bfloat16_only_where_it_is_exact_enough(
    llama: Path, tolerance: float, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "fast_bfloat16", lambda _: True)
    monkeypatch.setattr(precision, "LARGEST_DIFFERENCE", tolerance)
    lm_teacher = prepared(llama, dtype="auto")
    assert lm_teacher.name == prepared(llama, dtype=dtype).name
    chosen, model = precision.choose(llama, "cpu")
    assert 0 < (chosen.difference or 0) < 1
    assert str(model._model.dtype) == f"torch.{dtype}"
    assert f"{dtype}: bfloat16 differs by up to {chosen.difference:.2g} nats per token" in lm_teacher.remark
    assert scored(lm_teacher, GROUPS[:1]) == scored(prepared(llama, dtype=dtype), GROUPS[:1])


def test_nothing_is_loaded_or_compared_where_there_is_nothing_to_choose(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "fast_bfloat16", lambda _: False)
    for dtype in ("auto", "float32", "bfloat16"):
        lm_teacher = prepared(llama, dtype=dtype)
        assert lm_teacher.remark == ""
        assert lm_teacher._loaded is None


def test_a_large_model_is_loaded_once(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "fast_bfloat16", lambda _: True)
    monkeypatch.setattr(precision, "LARGEST_FILES", 0)
    lm_teacher = prepared(llama, dtype="auto")
    assert lm_teacher.name.endswith(":bfloat16")
    assert "not compared" in lm_teacher.remark
