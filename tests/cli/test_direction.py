"""Marks of text direction are shown, not obeyed: no id or note can pass for another in a terminal."""

from __future__ import annotations

import pytest

from workbench.cli import output


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u2069", "\u200f", "\u061c", "\u202a"])
def test_marks_of_direction_are_shown(mark: str) -> None:
    assert output.plain(f"id{mark}di").plain == "id\ufffddi"


def test_letters_of_any_script_stay() -> None:
    assert output.plain("مرحبا שלום ü").plain == "مرحبا שלום ü"
