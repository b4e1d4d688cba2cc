"""Single values: what reads as what, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.formats.parsing.gathering import Unreadable
from workbench.formats.parsing.values import (
    read_answers,
    read_id,
    read_relevance,
    read_similarity,
    read_split,
    read_tags,
    read_text,
    shown,
)


@pytest.mark.parametrize(
    ("value", "expected"), [("007", "007"), (" ", " "), (7, "7"), (0, "0"), ("http://x/?a=b c", None)]
)
def test_ids_are_kept_as_they_are(value: Any, expected: str | None) -> None:
    assert read_id(value, "id") == (expected or value)


@pytest.mark.parametrize("value", [None, "", 1.0, True, ["a"], {}, "\ud800"])
def test_what_is_no_id_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match=r"^the id "):
        read_id(value, "the id")


@pytest.mark.parametrize("value", [None, "", " \n", 3, ["a"], "half \udfff"])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match=r"^text "):
        read_text(value, "text")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        ("Paris", ("Paris",)),
        (["Paris", "Lutetia", "Paris"], ("Paris", "Lutetia")),
        ('["Paris", "[citation]"]', ("Paris", "[citation]")),
        (1912, ("1912",)),
        ([1912, "the year"], ("1912", "the year")),
        ({"text": ["Paris"], "answer_start": [3]}, ("Paris",)),
        ("[open", ("[open",)),
    ],
)
def test_answers_in_every_spelling(value: Any, expected: tuple[str, ...]) -> None:
    assert read_answers(value) == expected


@pytest.mark.parametrize("value", [[""], [None], [1.5], True, {"a": 1}, "['Paris', 'Lutetia']", [["a"]]])
def test_answers_that_cannot_be_meant_are_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match="answers"):
        read_answers(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("", ()),
        ("people", ("people",)),
        ("people, places ,people,", ("people", "places")),
        ("Paris, France | cities", ("Paris, France", "cities")),
        ('["a|b", "c, d"]', ("a|b", "c, d")),
        (["2020", 2021, " x "], ("2020", "2021", "x")),
        ("<b>bold</b>", ("<b>bold</b>",)),
    ],
)
def test_tags_in_every_spelling(value: Any, expected: tuple[str, ...]) -> None:
    assert read_tags(value) == expected


@pytest.mark.parametrize("value", [[""], [None], [1.5], True, {"a": 1}, "['a', 'b']", [["a"]], 7])
def test_tags_that_cannot_be_meant_are_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match="tags"):
        read_tags(value)


@pytest.mark.parametrize(("value", "expected"), [("Train", "train"), ("validation", "dev"), ("val", "dev"), (None, "")])
def test_splits(value: Any, expected: str) -> None:
    assert read_split(value) == expected


@pytest.mark.parametrize("value", ["tset", 1, ["train"]])
def test_unknown_splits_are_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match="train, dev, test"):
        read_split(value)


@pytest.mark.parametrize(("value", "expected"), [("1", 1), ("1.0", 1), (2.0, 2), (-1, -1), ("+3", 3), (" 0 ", 0)])
def test_relevances(value: Any, expected: int) -> None:
    assert read_relevance(value) == expected


@pytest.mark.parametrize("value", ["0.5", 0.5, "", "one", None, True, "1_0", "١", float("nan"), 10**9, "1e3"])
def test_what_is_no_relevance_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable, match="relevance must be a whole number"):
        read_relevance(value)


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity", "1_0", "high", "", "1e999"])
def test_what_is_no_similarity_is_refused(value: str) -> None:
    with pytest.raises(Unreadable, match="similarity"):
        read_similarity(value)


def test_a_message_stays_short() -> None:
    assert shown("x") == "'x'"
    assert len(shown("x" * 10_000)) < 80
