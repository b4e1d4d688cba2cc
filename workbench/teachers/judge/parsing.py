"""What a judge wrote, parsed strictly: the last line has the form that was asked for, or the answer is unreadable."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import exp

from workbench.teachers.chat.protocol import Reply

# A distribution over choices says nothing where the reply begins with something else.
LEAST_MASS = 0.5

_GRADE = re.compile(r"(?:grade\s*:\s*)?(?:\[([0-3])\]|([0-3]))\.?", flags=re.IGNORECASE)
_LETTER = re.compile(r"(?:passage\s+)?(?:\[([AB])\]|([AB]))\.?", flags=re.IGNORECASE)
_SELECTION = re.compile(r"my\s+selection\s*:\s*(.*?)\.?", flags=re.IGNORECASE)
_LABELS = re.compile(r"(?:\[\d+\]|\d+)(?:(?:\s*,\s*|\s+)(?:\[\d+\]|\d+))*")
_IN_ONE_BRACKET = re.compile(r"\[(\s*\d+(?:\s*,\s*\d+)*\s*)?\]")
_NONE = ("none", "[none]", "[]")
_THOUGHTS = re.compile(r"^\s*<think>.*?</think>", flags=re.DOTALL)


def last_line(text: str) -> str:
    """Return the last line with words, without the marks of bold type; thoughts before the answer are no part of it."""
    lines = [line.strip() for line in _THOUGHTS.sub("", text).splitlines() if line.strip()]
    return lines[-1].replace("**", "").strip() if lines else ""


def grade(text: str) -> int | None:
    """Return the grade that stands alone in the last line, None if none does."""
    matched = _GRADE.fullmatch(last_line(text))
    return int(matched[1] or matched[2]) if matched else None


def letter(text: str) -> str | None:
    """Return "A" or "B" where it stands alone in the last line, else None."""
    matched = _LETTER.fullmatch(last_line(text))
    return (matched[1] or matched[2]).upper() if matched else None


def selection(text: str, labels: Collection[str]) -> frozenset[str] | None:
    """Return the labels that the last line selects, perhaps none; None if it cannot be read or names an unknown one."""
    matched = _SELECTION.fullmatch(last_line(text))
    if not matched:
        return None
    listed = matched[1].strip()
    if listed.lower() in _NONE:
        return frozenset()
    if not (_LABELS.fullmatch(listed) or _IN_ONE_BRACKET.fullmatch(listed)):
        return None
    selected = frozenset(re.findall(r"\d+", listed))
    return selected if selected <= set(labels) else None


def distribution(reply: Reply) -> Mapping[str, float] | None:
    """Return the choices' probabilities, normalised; None where they are unknown, or the reply begins otherwise."""
    if not reply.choice_log_probabilities:
        return None
    probabilities = {choice: exp(value) for choice, value in reply.choice_log_probabilities.items()}
    total = sum(probabilities.values())
    if total < LEAST_MASS:
        return None
    return {choice: value / total for choice, value in probabilities.items()}
