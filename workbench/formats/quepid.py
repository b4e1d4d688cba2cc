"""Quepid's ratings: a CSV of query, docid, rating, where a query is known by its text alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import BadInput
from workbench.formats.cases import CASES
from workbench.formats.parsing.gathering import Gathering, Problem
from workbench.formats.parsing.lookup import Lookup
from workbench.formats.parsing.values import read_relevance
from workbench.formats.rows import plain_table
from workbench.records import Qrel

COLUMNS = ("query", "docid", "rating")


def write_quepid(qrels: Iterable[Qrel], texts: Mapping[str, str], path: Path) -> int:
    """Write qrels as ratings, `texts` being those of the queries by id; return how many there are."""
    rows = [dict(zip(COLUMNS, (texts[q.query_id], q.passage_id, q.relevance), strict=True)) for q in qrels]
    path.write_bytes(CASES["csv"](rows) if rows else (",".join(COLUMNS) + "\r\n").encode())
    return len(rows)


def read_quepid(path: Path | str, known: Lookup) -> tuple[tuple[Qrel, ...], tuple[Problem, ...]]:
    """Read ratings as qrels; a row without a rating was shown and not judged, and says nothing."""
    path, gathering = Path(path), Gathering()
    table = plain_table(path, gathering)
    if missing := [name for name in COLUMNS if name not in table.columns]:
        columns = ", ".join(table.columns)
        raise BadInput(
            f"there is no column {missing[0]!r}.", path, 1, f"Quepid writes {', '.join(COLUMNS)}; here: {columns}."
        )
    for line, row in table.rows:
        with gathering.reading(path, line):
            if _said(row["rating"]):
                query_id, passage_id = known.query(None, row["query"]), known.passage(row["docid"])
                gathering.keep_qrel(Qrel(query_id, passage_id, read_relevance(row["rating"])))
    return gathering.collection().qrels, gathering.collection().problems


def _said(rating: Any) -> bool:
    return rating is not None and str(rating).strip() != ""
