"""`workbench students`: recipes and measures."""

from __future__ import annotations

from tests.shell import worked
from workbench.store import Store


def test_students_are_listed_with_their_recipes(full: Store) -> None:
    printed = worked("students", "--json", workspace=full.path).json
    assert [(one["student"], one["dev_after"]) for one in printed["students"]] == [
        ("after", None), ("before", None), ("base", None), ("mine", 0.5)
    ]  # fmt: skip
    assert printed["recipes"][0]["not_evaluated"] in printed["summary"]
    listed = worked("students", workspace=full.path).out
    assert "nDCG@10 0.250 → 0.500" in listed
