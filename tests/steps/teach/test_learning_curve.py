"""Learning curve: nested sets of scored queries, each trained and evaluated once, and whether to score more."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.steps.classes import base, collection
from tests.steps.teach.quick import QUICK
from workbench import students
from workbench.errors import BadSetting
from workbench.steps.teach.learning_curve import _checked
from workbench.store import views


@pytest.mark.slow
def test_each_size_is_trained_once_on_a_set_that_holds_the_smaller_ones(tmp_path: Path) -> None:
    store, untrained = collection(tmp_path / "ws"), base(tmp_path / "untrained")
    curve = wb.learning_curve(store, untrained, "toy", QUICK, [2, 8])
    assert [point.queries for point in curve.points] == [2, 8]
    assert "From 2 to 8: " in curve.in_words
    assert curve.to_frame()["gain"].tolist() == [point.gain.difference.mean for point in curve.points]
    made = {student.name: student.recipe for student in students.trained(store.students)}
    subsets = [made[point.student]["queries"]["queries"] for point in curve.points]
    assert subsets == [2, 8]
    created = [made[point.student]["created"] for point in curve.points]
    runs = views.runs(store)
    again = wb.learning_curve(store, untrained, "toy", QUICK, [8, 2])
    assert again.points == curve.points
    assert views.runs(store) == runs
    assert [students.read(store.students / point.student).recipe["created"] for point in again.points] == created


def test_sizes_are_halves_unless_given_and_within_what_is_scored() -> None:
    assert _checked((), 100) == [12, 25, 50, 100]
    assert _checked((), 3) == [1, 3]
    assert _checked((50, 10), 100) == [10, 50]
    for sizes, most in (((5,), 100), ((5, 101), 100), ((0, 5), 100), ((), 1)):
        with pytest.raises(BadSetting, match="two sizes or more from 1 to"):
            _checked(sizes, most)
