"""Marks of direction in foreign text reach no further than the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.direction import MARKS, balanced
from workbench.html.marking import html
from workbench.plots.look import safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202egnp.txt", "\ufffdgnp.txt"),
        ("\u202egnp.txt\u202c", "\u202egnp.txt\u202c"),
        ("\u2067a\u2069\u2069 b", "\u2067a\u2069\ufffd b"),
        ("\u2067a\u202eb\u2069", "\u2067a\u202eb\u2069"),  # the end of the isolate ends the override
        ("\u202c\u2066", "\ufffd\ufffd"),
        ("\u200fمرحبا", "\u200fمرحبا"),
    ],
)
def test_a_mark_without_its_other_half_is_shown_and_not_obeyed(text: str, shown: str) -> None:
    assert balanced(text) == shown
    assert html(text) == shown
    assert safe(text) == shown


@given(st.text(st.sampled_from([*sorted(MARKS), "a", "א"]), max_size=12))
def test_a_text_leaves_nothing_open_and_keeps_its_length(text: str) -> None:
    shown = balanced(text)
    assert len(shown) == len(text)
    assert balanced(shown) == shown
    # Whatever stands after it is neither closed by it nor inside of it.
    assert balanced(f"\u2067{shown}\u2069") == f"\u2067{shown}\u2069"
    assert balanced(f"{shown}\u2069") == f"{shown}\ufffd"


def test_what_is_cut_short_is_closed_too() -> None:
    assert safe(f"\u202e{'x' * 20}\u202c", 10) == f"\ufffd{'x' * 8}…"
