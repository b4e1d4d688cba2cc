from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest

from workbench.records import Qrel
from workbench.results import SHOWN, Result, frame


@dataclass(frozen=True)
class Named(Result):
    columns: ClassVar = {"name": "of what", "value": "its number"}

    values: tuple[tuple[str, float | None], ...] = ()

    @property
    def in_words(self) -> str:
        return f"{len(self.values)} values <here>"

    def table_rows(self) -> Iterable[Sequence[object]]:
        return self.values


def test_a_result_is_a_frame_with_its_columns():
    shown = Named((("a", 0.5), ("b", None))).to_frame()
    assert list(shown.columns) == list(Named.columns)
    assert shown["name"].tolist() == ["a", "b"]
    assert shown["value"].sum() == 0.5
    assert shown["value"].isna().tolist() == [False, True]


def test_an_empty_frame_keeps_its_columns():
    assert list(Named().to_frame().columns) == ["name", "value"]
    assert list(frame(Qrel._fields, []).columns) == list(Qrel._fields)


def test_named_tuples_are_rows():
    assert frame(Qrel._fields, [Qrel("q", "p", 1)]).to_dict("records") == [
        {"query_id": "q", "passage_id": "p", "relevance": 1}
    ]


def test_a_notebook_shows_sentence_and_table_and_runs_nothing():
    shown = Named((("<script>alert(1)</script>", 0.12345), ("$x$", None)))._repr_html_()
    assert "2 values &lt;here&gt;" in shown
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    assert "0.123<" in shown and "–" in shown
    assert "mathjax_ignore" in shown  # else $x$ would be set as a formula


def test_a_long_table_says_that_it_is_cut():
    assert f"{SHOWN} of 1,200 rows" in Named((("a", 1.0),) * 1200)._repr_html_()
    assert "rows;" not in Named((("a", 1.0),) * SHOWN)._repr_html_()


def test_a_result_without_words_or_rows_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        type("Bare", (Result,), {})()
