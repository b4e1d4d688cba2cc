"""`workbench annotate`: grades, tags, and undo."""

from __future__ import annotations

from tests.shell import shell, worked
from workbench.store import Store, views


def test_a_verdict_has_grade_tags_and_flag_and_can_be_taken_back(store: Store) -> None:
    given = ("--grade", 2, "--tag", "off topic", "--tag", "mine", "--flag", "--annotator", "ada", "--json")
    annotation = worked("annotate", "q1", "ü", "useful", *given, workspace=store.path).json
    assert (annotation["grade"], annotation["tags"], annotation["flagged"]) == (2, ["off topic", "mine"], True)
    assert "ada: taken back ü for q1" in worked("annotate", "--undo", "--annotator", "ada", workspace=store.path).out
    assert views.verdicts(store, latest=True) == []
    assert "left to take back" in shell("annotate", "--undo", "--annotator", "ada", workspace=store.path).err
    assert "A verdict needs a query" in shell("annotate", "q1", workspace=store.path).err
