"""The program's commands as arguments and as lines for the shell, right whatever an id begins with or holds."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

PROGRAM = "workbench"


def command(verb: str, *positional: str, **options: object) -> list[str]:
    """Return the arguments of a command: its positional ones, and its options by name (`title_join` is --title-join).

    An option that is None, False or "" is left out, one that is True has no value, a list repeats it. What begins with
    "-" is marked as a value: by "=" after an option, by "--" before positional arguments.
    """
    named = [part for name, value in options.items() for part in _option(f"--{name.replace('_', '-')}", value)]
    if any(argument.startswith("-") for argument in positional):
        return [verb, *named, "--", *positional]
    return [verb, *positional, *named]


def _option(option: str, value: object) -> Iterable[str]:
    if isinstance(value, (list, tuple)):
        return [part for one in value for part in _option(option, one)]
    if value is None or value is False or value == "":
        return []
    if value is True:
        return [option]
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


def line(arguments: Iterable[str]) -> str:
    """Return arguments of the program as a line for the shell, quoted where it must be."""
    return shlex.join([PROGRAM, *arguments])
