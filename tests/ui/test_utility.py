"""The page Utility: teacher against student."""

from __future__ import annotations

import json

import pytest

from tests.conftest import utility
from tests.ui.copied import tiles
from tests.ui.pages import Visit, text_of
from workbench.records import Unit
from workbench.store import Store


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
