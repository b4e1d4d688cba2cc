"""What is not known is a dash, on every page and in every state of a workspace: never None, nan or an empty name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PASSAGES, QRELS, QUERIES, nothing, toy
from tests.ui.pages import PAGES, Visit, text_of, trained_student
from tests.workspaces import copy_of
from workbench.records import Failure
from workbench.store import Store

LITERAL = re.compile(r"\b(None|nan|NaN|NaT|null)\b")


def ingested(store: Store) -> None:
    """Fill a store with a collection alone."""
    store.add_collection(QUERIES, PASSAGES, QRELS)


def full(store: Store) -> None:
    """Fill a store with what has gaps: a student not evaluated, a teacher that failed on everything."""
    toy(store)
    trained_student(store, "after", 1, 0.7)
    trained_student(store, "never-evaluated", 2, 0.6)
    store.add_scored([Failure("q1", "p/1", "mute", "it was refused")], "nats per token")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("build", [nothing, ingested, full])
def test_no_page_prints_what_is_missing(
    tmp_path: Path, visit: Visit, page: str, build: Callable[[Store], None]
) -> None:
    at = visit(copy_of(build, tmp_path / "w"), page, agreement="true", health="true", everyone="true", rows="students")
    code = {line for block in at.code for line in block.value.splitlines()}
    words = "\n".join(line for line in text_of(at).splitlines() if line not in code)
    assert not LITERAL.search(words), LITERAL.search(words)
    for table in at.dataframe:
        cells = [str(cell) for cell in table.value.to_numpy().ravel() if isinstance(cell, str)]
        assert not [cell for cell in (*cells, *map(str, table.value.columns)) if LITERAL.search(cell)]
        assert all(str(name).strip() for name in table.value.columns)
        assert not table.value.isna().any(axis=None) or placeholder(table) == "–"


def placeholder(table: Any) -> str:
    """Return what a table shows in place of a missing value."""
    return str(table.proto.placeholder)
