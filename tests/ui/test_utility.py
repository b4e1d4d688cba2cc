"""The page Utility: teacher against student."""

from __future__ import annotations

import json

import pytest

from tests.conftest import toy_without_utilities, utility
from tests.ui.copied import printed_lines, run_line, table, tiles
from tests.ui.pages import Visit, text_of
from workbench.records import Failure, Unit
from workbench.store import Store, views


def test_the_teacher_beside_a_student_tells_who_is_right_first(store: Store, visit: Visit) -> None:
    words = " ".join(text_of(visit(store, "utility")).split())
    assert "Teacher puts a relevant passage first 0.500" in words
    assert "Student puts a relevant candidate first 0.500" in words


@pytest.mark.parametrize("unit", ["nats per token", "probability"])
def test_labels_and_axes_carry_the_unit_of_the_teacher(store: Store, visit: Visit, unit: Unit) -> None:
    store.add_scored([utility("q1", "p/1", 0.9, "other"), utility("q1", "p 2", 0.2, "other")], unit)
    at = visit(store, "utility", teacher="other")
    assert tiles(at)["Regret"][1] == f"mean over queries ({unit})"
    axes = [json.loads(chart.proto.spec)["layout"] for chart in at.get("plotly_chart")]
    titles = [
        axis["title"]["text"] for layout in axes for name, axis in layout.items() if "axis" in name and "title" in axis
    ]
    assert sum(title == f"utility, {unit}" for title in titles) >= 2
    assert f"those of other ({unit})" in text_of(visit(store, "annotate", teacher="other"))


def test_failures_are_listed_by_reason_under_the_teacher(store: Store, visit: Visit) -> None:
    store.add_scored([Failure("q4", "03", "toy", "no room"), Failure("q4", "ü", "toy", "no room")])
    (row,) = table(visit(store, "utility"), "reason")
    assert row == {"status": "failed", "reason": "no room", "pairs": 2, "first query": "q4", "first passage": "03"}


def test_answers_that_could_not_be_read_are_there_to_read(store: Store, visit: Visit) -> None:
    store.add_scored([Failure("q4", "03", "toy", "no grade in it", "unreadable", "I <b>think</b> so")])
    at = visit(store, "utility")
    assert table(at, "reason")[0]["status"] == "unreadable"
    assert [block.value for block in at.code if "think" in block.value] == ["I <b>think</b> so"]
    assert "Answers that gave no utility: 1" in [block.label for block in at.expander]


def test_two_teachers_stand_side_by_side_with_a_sentence_on_each(store: Store, visit: Visit) -> None:
    assert "Entropy, ties, biases" in text_of(visit(store, "utility")), "it is measured only if a person asks for it"
    store.add_scored([utility("q1", "p/1", 0.9, "other"), utility("q1", "p 2", 0.2, "other")], "probability")
    store.add_scored([Failure("q1", "ü", "other", "no grade", "unreadable", "I think so")])
    at = visit(store, "utility", teacher="toy", student="before", health="true", other="other", factor="2")
    words = text_of(at)
    assert "toy is not shown to be fit to teach before: it has scored 2 queries (at least 20)" in words
    assert "other is not fit to teach before: 33% of the pairs have no utility" in words
    shown = {row["figure"]: row for row in table(at, "figure")}
    (line,) = [line for line in printed_lines(at) if line.startswith("workbench") and " health " in line]
    by_shell = run_line(line)
    assert by_shell["temperature"] == pytest.approx(2 * (views.median_spread(store, "toy", "test") or 0))
    for name, figure in by_shell["figures"].items():
        assert shown[name]["toy"].startswith(f"{figure['mean']:.3f}")
    assert {"toy", "other", "meaning"} <= set(shown["AUC"])
    assert "I think so" in [block.value for block in at.code]


def test_a_teacher_that_only_failed_is_shown_with_its_reasons(empty: Store, visit: Visit) -> None:
    toy_without_utilities(empty)
    empty.add_scored([Failure("q1", "03", "odd", "no room")])
    at = visit(empty, "utility")
    assert "odd could not score 1 pair" in text_of(at)
    assert table(at, "reason")[0]["reason"] == "no room"
