"""A table that says one thing of each query: its topic, its split."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from workbench.errors import BadInput
from workbench.formats.parsing.gathering import Gathering, Unreadable
from workbench.formats.parsing.tables import open_table
from workbench.formats.parsing.values import read_id

QUERY_ID = "query_id"


class QueryValue(NamedTuple):
    """What a row says of a query, and the line where it does."""

    value: str
    line: int


def read_query_values(path: Path, column: str = "") -> tuple[str, dict[str, QueryValue]]:
    """Return the name of a table's column, and query_id -> its value there; without a name, of its only other column.

    The table is .jsonl, .csv, .tsv or .parquet. Raises BadInput where it has no such column, a row cannot be read, or a
    query has two values.
    """
    if not path.is_file():
        raise BadInput("there is no such file.", path, hint="Name query, passages, tag, or a table with query_id.")
    gathering = Gathering()
    table = open_table(path, gathering)
    others = [name for name in table.columns if name not in ("", QUERY_ID)]
    if QUERY_ID not in table.columns or not (column or len(others) == 1) or (column and column not in others):
        raise BadInput(
            f"it has the columns {', '.join(table.columns)}.",
            path,
            hint=f"It needs {QUERY_ID} and one more; of several, name one with --column.",
        )
    values: dict[str, QueryValue] = {}
    for line, row in table.rows:
        with gathering.reading(path, line):
            query_id, value = read_id(row.get(QUERY_ID), QUERY_ID), read_id(row.get(column or others[0]), "the value")
            if values.setdefault(query_id, QueryValue(value, line)).value != value:
                raise Unreadable(f"{query_id!r} has another value on line {values[query_id].line}")
    if gathering.problems:
        first = gathering.problems[0]
        raise BadInput(first.what + ".", first.file, first.line)
    return column or others[0], values
