"""`workbench sweep`: its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell import shell
from tests.steps.classes import base, collection
from workbench.errors import BadSetting
from workbench.steps.teach import sweep


def test_a_sweep_of_which_every_training_failed_ends_with_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverging(*_: object) -> None:
        raise BadSetting("The loss is nan.")

    store, student = collection(tmp_path / "ws"), base(tmp_path / "base")
    monkeypatch.setattr(sweep, "train", diverging)
    arguments = ("sweep", student, "--teacher", "toy", "--grid", "loss=kl,infonce", "--split", "none", "--steps", 2)
    for printed in (shell(*arguments, workspace=store.path), shell(*arguments, "--json", workspace=store.path)):
        assert printed.code == 1
        assert "The loss is nan." in printed.out
