"""Pages show the queries that train has not seen beside the whole, and nothing of it where none is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.steps.compare.leaking import SEEN, UNSEEN, leaking
from tests.ui.pages import Visit, text_of
from tests.workspaces import copy_of
from workbench.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def memory(tmp_path: Path) -> Store:
    return copy_of(leaking, tmp_path / "workspace")


@pytest.mark.parametrize(
    ("page", "parts"),
    [
        ("diff", [f"on the other {UNSEEN} nDCG@10", f"The same on the {UNSEEN} queries", "no difference shown"]),
        ("students", [f"on the {UNSEEN} queries not seen in train", f"On {UNSEEN} unseen"]),
        ("train", [f"{SEEN} of {SEEN + UNSEEN} test queries are seen in train"]),
        ("overview", [f"{SEEN} of {SEEN + UNSEEN} judged test queries are seen in train", "memory 0."]),
    ],
)
def test_a_page_says_what_is_left_of_a_gain(memory: Store, visit: Visit, page: str, parts: list[str]) -> None:
    at = visit(memory, page, before="base", after="memory")
    assert not at.exception
    text = text_of(at)
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize("page", ["diff", "students", "train", "overview"])
def test_a_page_says_nothing_where_nothing_leaks(store: Store, visit: Visit, page: str) -> None:
    assert "seen" not in text_of(visit(store, page))


def test_the_queries_of_a_diff_can_be_narrowed_to_the_unseen(memory: Store, visit: Visit) -> None:
    at = visit(memory, "diff", before="base", after="memory", show="unseen")
    assert f"1 of {UNSEEN}" in text_of(at)
    assert "--only unseen" in "\n".join(element.value for element in at.code)
