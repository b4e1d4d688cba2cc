"""Printed commands are read as what they are, whatever an id begins with or holds."""

from __future__ import annotations

import shlex
from typing import Any

import typer
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from workbench.cli.app import app
from workbench.commands import command, line

ODD = "-x y'z"
OTHER = "--teacher=-"
TREE: Any = typer.main.get_command(app)
TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12) | st.sampled_from(
    [ODD, OTHER, "--", "-", "-h", "--help", "--json", "a=b", "$HOME", "`x`", "*", "\\", '"']
)


def parsed(arguments: list[str]) -> dict[str, Any]:
    """Return what the program reads from the arguments of one of its commands."""
    verb, *rest = arguments
    with TREE.commands[verb].make_context(verb, rest) as context:
        parameters: dict[str, Any] = context.params
    return parameters


@examples(200)
@given(TEXTS, TEXTS, TEXTS, st.lists(TEXTS, max_size=2))
def test_what_a_line_says_is_what_the_program_reads(student: str, before: str, rule: str, settings: list[str]) -> None:
    printed = line(command("cases", student, before=before, rule=rule, set=settings, json=True))
    program, *arguments = shlex.split(printed)
    read = parsed(arguments)
    assert program == "workbench"
    assert (read["after"], read["before"], read["rule"], read["json"]) == (student, before, rule, True)
    assert list(read["thresholds"] or ()) == settings


def test_what_is_usual_is_printed_as_usual() -> None:
    assert line(command("diff", "a", "b", measure="AP", show=0, html=None, only="", json=False)) == (
        "workbench diff a b --measure AP --show 0"
    )
    assert command("evaluate", "bm25", ODD, split="dev") == ["evaluate", "--split", "dev", "--", "bm25", ODD]
