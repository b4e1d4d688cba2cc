"""A server of the tests' own, with a tiny model behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.teachers import models
from tests.teachers.endpoint.server import ModelServer


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.write(tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture
def server(llama: Path) -> Iterator[ModelServer]:
    with ModelServer(llama) as running:
        yield running
