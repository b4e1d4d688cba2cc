"""How a result shows itself: as a pandas frame, and in a notebook as its sentence and a small table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, ClassVar

from workbench.direction import balanced

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 10  # rows of a table in a notebook
DIGITS = 3


def counted(number: int, noun: str) -> str:
    """Return how many there are of something, in words."""
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else several}"


class Result(ABC):
    """What a verb returns: a frozen dataclass that says its outcome in words and gives its rows as a frame.

    A subclass names the `columns` of its frame, each with what it holds, and returns the rows in that order.
    """

    columns: ClassVar[Mapping[str, str]]

    @property
    @abstractmethod
    def in_words(self) -> str:
        """Return the outcome in a sentence or two."""

    @abstractmethod
    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return the rows of the frame, values in the order of `columns`."""

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas frame; `columns` says what each column holds."""
        return frame(self.columns, self.table_rows())

    def _repr_html_(self) -> str:
        return as_html(self.in_words, self.to_frame())


def frame(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> pd.DataFrame:
    """Return rows as a pandas frame, which keeps its columns where there are no rows.

    Rows that are NamedTuples go in as they are: `frame(Delta._fields, deltas)`.
    """
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(columns))


def as_html(sentence: str, table: pd.DataFrame) -> str:
    """Return a sentence and the first rows of a table as HTML, in which nothing foreign is markup or a formula."""
    drawn = table.head(SHOWN).to_html(
        index=False, border=0, escape=True, na_rep="–", float_format=f"{{:.{DIGITS}f}}".format
    )
    rest = f"<p>{SHOWN} of {len(table):,} rows; <code>to_frame()</code> has all.</p>" if len(table) > SHOWN else ""
    words = "<br>".join(escape(balanced(line)) for line in sentence.splitlines())
    return f'<div class="tex2jax_ignore mathjax_ignore"><p>{words}</p>{drawn}{rest}</div>'
