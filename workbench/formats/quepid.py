"""Quepid's ratings: a CSV of query, docid, rating, where a query is known by its text alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.errors import BadInput
from workbench.formats.parsing.gathering import Gathering, Problem
from workbench.formats.parsing.lookup import Lookup
from workbench.formats.parsing.values import read_relevance
from workbench.formats.rows import plain_table
from workbench.formats.writing.columns import RATINGS
from workbench.formats.writing.rows import write_csv
from workbench.records import Qrel


def write_quepid(ratings: Iterable[tuple[str, str, int]], path: Path) -> int:
    """Write a query's text, a passage's id and its relevance as ratings; return how many there are."""
    with path.open("wb") as file:
        return write_csv((dict(zip(RATINGS.names, row, strict=True)) for row in ratings), RATINGS, file)


def read_quepid(path: Path | str, known: Lookup) -> tuple[tuple[Qrel, ...], tuple[Problem, ...]]:
    """Read ratings as qrels; a row without a rating was shown and not judged, and says nothing."""
    path, gathering = Path(path), Gathering()
    table = plain_table(path, gathering)
    if missing := [name for name in RATINGS.names if name not in table.columns]:
        theirs, here = ", ".join(RATINGS.names), ", ".join(table.columns)
        raise BadInput(f"there is no column {missing[0]!r}.", path, 1, f"Quepid writes {theirs}; here: {here}.")
    for line, row in table.rows:
        with gathering.reading(path, line):
            if _said(row["rating"]):
                query_id, passage_id = known.query(None, row["query"]), known.passage(row["docid"])
                gathering.keep_qrel(Qrel(query_id, passage_id, read_relevance(row["rating"])))
    return gathering.collection().qrels, gathering.collection().problems


def _said(rating: Any) -> bool:
    return rating is not None and str(rating).strip() != ""
