"""An untrained student, and a workspace to train it in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.steps.classes import base, collection
from workbench.store import Store


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> str:
    return base(tmp_path_factory.mktemp("models") / "untrained")


@pytest.fixture
def school(tmp_path: Path) -> Store:
    return collection(tmp_path / "ws")
