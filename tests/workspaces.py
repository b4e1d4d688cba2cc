"""Workspaces are built once a process, and copied for every test that asks for one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.store import Store


def copy_of(build: Callable[[Store], None], folder: Path) -> Store:
    """Return a workspace in `folder` that holds what `build` puts into an empty one."""
    return Store(shutil.copytree(_template(build), folder, dirs_exist_ok=True))


@cache
def _templates() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="workspaces-")


@cache
def _template(build: Callable[[Store], None]) -> Path:
    folder = Path(_templates().name, f"{build.__module__}.{build.__qualname__}")
    build(Store(folder, create=True))
    return folder
