"""`workbench train`: which queries it learns from."""

from __future__ import annotations

from pathlib import Path

from tests.shell import shell, worked
from tests.steps.classes import base, collection


def test_queries_of_a_narrow_range_are_left_out(tmp_path: Path) -> None:
    store, student = collection(tmp_path / "ws"), base(tmp_path / "base")
    planned = worked("train", student, "--plan", "--min-range", "2.5", workspace=store.path)
    assert "0 queries left out whose utilities span less than 2.5" in planned.out
    refused = shell("train", student, "--plan", "--min-range", "3", workspace=store.path)
    assert "the widest span is 2.5" in refused.err
    assert refused.code != 0
