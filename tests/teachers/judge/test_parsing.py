"""Strict reading: what has the form that was asked for, and what has not."""

from __future__ import annotations

import math

import pytest

from workbench.teachers.chat.protocol import Reply
from workbench.teachers.judge import parsing


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("2", 2),
        (" [3] ", 3),
        ("Grade: 0.", 0),
        ("**Grade: 1**", 1),
        ("The passage names the year.\nGrade: 3\n", 3),
        ("<think>perhaps 1\nor 3</think>\n\n2", 2),
        ("", None),
        ("4", None),
        ("2.5", None),
        ("23", None),
        ("2 or 3", None),
        ("It is a 2", None),
        ("2\nbecause it helps", None),
        ("<think>2", None),
        ("-1", None),
        ("two", None),
    ],
)
def test_a_grade_stands_alone_in_the_last_line(text: str, grade: int | None) -> None:
    assert parsing.grade(text) == grade


@pytest.mark.parametrize(
    ("text", "letter"),
    [("A", "A"), ("Passage B.", "B"), ("[a]", "A"), ("A or B", None), ("C", None), ("", None), ("AB", None)],
)
def test_a_letter_stands_alone(text: str, letter: str | None) -> None:
    assert parsing.letter(text) == letter


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("My selection: [1], [3]", {"1", "3"}),
        ("It was 1973.\nMy selection: [2].", {"2"}),
        ("my selection: [1, 3]", {"1", "3"}),
        ("My selection: 1, 2", {"1", "2"}),
        ("My selection: [1] [2]", {"1", "2"}),
        ("My selection: none", set()),
        ("My selection: []", set()),
        ("My selection: [4]", None),
        ("My selection: [1], [04]", None),
        ("My selection: all of them", None),
        ("My selection: [1] and maybe [2]", None),
        ("My selection: 1-3", None),
        ("My selection:", None),
        ("[1], [2]", None),
        ("My selection: [1]\nI hope this helps!", None),
    ],
)
def test_a_selection_is_the_last_line(text: str, labels: set[str] | None) -> None:
    assert parsing.selection(text, ["1", "2", "3"]) == labels


def test_a_distribution_counts_where_the_reply_begins_with_a_choice() -> None:
    log_probabilities = {"0": math.log(0.2), "3": math.log(0.6)}
    assert parsing.distribution(Reply("3", log_probabilities)) == pytest.approx({"0": 0.25, "3": 0.75})
    assert parsing.distribution(Reply("Well", {"0": math.log(0.2), "3": math.log(0.29)})) is None
    assert parsing.distribution(Reply("3", {})) is None
    assert parsing.distribution(Reply("3")) is None
