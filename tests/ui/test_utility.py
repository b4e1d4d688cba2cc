"""The page Utility: teacher against student."""

from __future__ import annotations

from tests.ui.pages import Visit, text_of
from workbench.store import Store


def test_the_teacher_beside_a_student_tells_who_is_right_first(store: Store, visit: Visit) -> None:
    words = " ".join(text_of(visit(store, "utility")).split())
    assert "Teacher puts a relevant passage first 0.500" in words
    assert "Student puts a relevant candidate first 0.500" in words
