"""Weighted sums of losses, and how one is written: `utility_infonce + 0.2*infonce(alpha=0.6)`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

from workbench.errors import BadSetting
from workbench.losses.registry import LOSSES, Formula, checked_option, named

if TYPE_CHECKING:
    from torch import Tensor

# Far more than any sum that means something, and far less than what Python's parser cannot nest.
LONGEST = 500
SYNTAX = "A sum is written like `utility_infonce + 0.2*infonce(alpha=0.6)`."


@dataclass(frozen=True)
class Term:
    """One loss of a sum: its name, its weight and the options it is called with."""

    name: str
    weight: float = 1.0
    options: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Mixture:
    """A weighted sum of losses, itself called like a loss."""

    terms: tuple[Term, ...]

    def __call__(
        self,
        similarities: Tensor,
        utilities: Tensor,
        negatives: Tensor | None = None,
        *,
        teacher_temperature: float,
        student_temperature: float,
    ) -> Tensor:
        """Return the sum of its terms, each at the same temperatures."""
        total = similarities.new_zeros(()).float()
        for term in self.terms:
            value = LOSSES[term.name].formula(
                similarities,
                utilities,
                negatives,
                teacher_temperature=teacher_temperature,
                student_temperature=student_temperature,
                **term.options,
            )
            total = total + term.weight * value
        return total


def loss(text: str) -> Formula:
    """Return the formula of the loss of that name, or the sum that is written.

    Raises UnknownName or BadSetting, which say what is wrong with the text.

    A sum has names, `+`, numbers above 0 times something, options in brackets, and brackets around a sum.
    """
    if text in LOSSES:
        return LOSSES[text].formula
    if len(text) > LONGEST:
        raise BadSetting(f"A loss is written in {len(text):,} characters.", f"{LONGEST} are the most. {SYNTAX}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadSetting(f"The loss {text!r} cannot be read.", SYNTAX) from None
    return Mixture(tuple(_terms(tree, 1.0)))


def _terms(node: ast.expr, weight: float) -> list[Term]:
    match node:
        case ast.Name(name):
            named(name)
            return [Term(name, weight)]
        case ast.Call(ast.Name(name), [], keywords):
            named(name)
            return [Term(name, weight, _options(name, keywords))]
        case ast.BinOp(left, ast.Add(), right):
            return _terms(left, weight) + _terms(right, weight)
        case ast.BinOp(ast.Constant() as number, ast.Mult(), inner):
            return _terms(inner, weight * _weight(number))
        case ast.BinOp(inner, ast.Mult(), ast.Constant() as number):
            return _terms(inner, weight * _weight(number))
    raise BadSetting(f"A loss cannot be {ast.unparse(node)!r}.", SYNTAX)


def _weight(node: ast.Constant) -> float:
    value = _number(node)
    if value is None or not (isfinite(value) and value > 0):
        raise BadSetting(f"The weight {ast.unparse(node)} of a loss is no number above 0.", SYNTAX)
    return float(value)


def _options(name: str, keywords: list[ast.keyword]) -> dict[str, float]:
    options: dict[str, float] = {}
    for keyword in keywords:
        value = _number(keyword.value)
        if keyword.arg is None or value is None:
            raise BadSetting(
                f"The loss {name} has {ast.unparse(keyword)!r} as an option.", f"Options are numbers. {SYNTAX}"
            )
        if keyword.arg in options:
            raise BadSetting(f"{keyword.arg} of the loss {name} is given twice.", "Give it once.")
        options[keyword.arg] = checked_option(name, keyword.arg, value)
    return options


def _number(node: ast.expr) -> float | None:
    """Return a number as it is written, whole or not; None for anything else."""
    match node:
        case ast.UnaryOp(ast.USub(), inner):
            value = _number(inner)
            return None if value is None else -value
        case ast.Constant(bool()):
            return None
        case ast.Constant(int() | float() as number):
            return number
    return None
