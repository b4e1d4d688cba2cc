"""`workbench info`: what a workspace holds."""

from __future__ import annotations

from tests.shell import worked
from workbench.store import Store


def test_info_says_all_that_is_there(full: Store) -> None:
    info = worked("info", "--json", workspace=full.path).json
    assert info["counts"]["queries"] == 4
    assert [split["split"] for split in info["counts"]["splits"]] == ["train", "dev", "test"]
    assert [(teacher["teacher"], teacher["pairs"]) for teacher in info["teachers"]] == [("toy", 8)]
    assert [run["student"] for run in info["runs"]] == ["after", "before"]
    printed = worked("info", workspace=full.path).out
    assert "4 passages, 4 queries, 4 qrels" in printed
    assert "toy" in printed
