"""What a figure is drawn from: a result or its rows, or the pandas frame that they give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_type_hints

from workbench.errors import BadSetting
from workbench.evaluation.comparison import Comparison
from workbench.evaluation.significance import Interval

if TYPE_CHECKING:
    import pandas as pd

Row = TypeVar("Row", bound=NamedTuple)


def is_frame(data: object) -> bool:
    """Return whether `data` is a pandas frame, without importing pandas."""
    return type(data).__name__ == "DataFrame"


def rows(kind: type[Row], data: Iterable[Row] | pd.DataFrame) -> list[Row]:
    """Return rows of a NamedTuple from themselves, or from a frame with its fields as columns."""
    if not is_frame(data):
        return list(data)  # type: ignore[arg-type]
    columns = kind._fields
    values = zip(*records(data, columns), strict=True)
    plain = [[_plain(kind, name, value) for name, value in zip(columns, row, strict=True)] for row in values]
    return [kind._make(row) for row in plain]


def records(frame: Any, columns: Sequence[str]) -> list[list[Any]]:
    """Return the values of each column; raises BadSetting if one is not there."""
    if absent := [name for name in columns if name not in frame.columns]:
        raise BadSetting(
            f"The frame has no column {', '.join(absent)}.", "A figure takes the frame of its result's `to_frame()`."
        )
    return [frame[name].tolist() for name in columns]


def constant(frame: Any, column: str, otherwise: str = "") -> Any:
    """Return the one value that a column of the frame has; `otherwise` of an empty frame."""
    (values,) = records(frame, [column])
    return values[0] if values else otherwise


def comparisons(data: Iterable[Comparison] | pd.DataFrame) -> list[Comparison]:
    """Return comparisons from themselves, or from the frame of `comparisons_frame`."""
    if not is_frame(data):
        return list(data)  # type: ignore[arg-type]
    plain = ("measure", "p_value", "t_p_value", "adjusted_p", "family", "secondary", "higher_is_better")
    spans = ("before", "after", "difference")
    limits = [f"{name}{end}" for name in spans for end in ("", "_low", "_high")]
    columns = [*plain, "queries", *limits]
    rebuilt = []
    for values in zip(*records(data, columns), strict=True):
        row = dict(zip(columns, values, strict=True))
        before, after, difference = (
            Interval(row[name], row[f"{name}_low"], row[f"{name}_high"], int(row["queries"])) for name in spans
        )
        rebuilt.append(Comparison(row["measure"], before, after, difference, *(row[name] for name in plain[1:])))
    return rebuilt


def missing(value: object) -> bool:
    """Return whether a cell of a frame holds no value."""
    return value is None or (isinstance(value, float) and isnan(value))


def _plain(kind: type[NamedTuple], name: str, value: Any) -> Any:
    if missing(value):
        return None
    # A column of whole numbers in which one is missing is a column of floats in pandas.
    return int(value) if isinstance(value, float) and name in _whole(kind) else value


@cache
def _whole(kind: type[NamedTuple]) -> frozenset[str]:
    return frozenset(name for name, hint in get_type_hints(kind).items() if hint in (int, int | None))
