"""The shell judges as the page does: grades, tags, taking back."""

from __future__ import annotations

from tests.shell import shell, worked
from workbench.store import Store, views


def test_a_verdict_has_grade_tags_and_flag_and_can_be_taken_back(store: Store) -> None:
    given = ("--grade", 2, "--tag", "off topic", "--tag", "mine", "--flag", "--annotator", "ada", "--json")
    said = worked("annotate", "q1", "ü", "useful", *given, workspace=store.path).json
    assert (said["grade"], said["tags"], said["flagged"]) == (2, ["off topic", "mine"], True)
    assert "ada: taken back ü for q1" in worked("annotate", "--undo", "--annotator", "ada", workspace=store.path).out
    assert views.verdicts(store, latest=True) == []
    assert "left to take back" in shell("annotate", "--undo", "--annotator", "ada", workspace=store.path).err
    assert "A verdict needs a query" in shell("annotate", "q1", workspace=store.path).err


def test_cases_draws_each_line_where_it_is_told(store: Store) -> None:
    lines = ("--unjudged", 2, "--margin", 0.5, "--alike", 0.9, "--apart", 1)
    found = worked("cases", "after", *lines, "--rule", "unjudged but high", "--json", workspace=store.path).json
    assert len(found) == 3
    assert "unjudged but high: 3" in worked("cases", "after", *lines, workspace=store.path).out
