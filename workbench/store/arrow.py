"""Rows to Arrow columns: the only fast way into DuckDB (350 times `executemany`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

ANSWERS = pa.list_(
    pa.struct(
        [
            ("answer", pa.string()),
            ("tokens", pa.int32()),
            ("with_passage", pa.float64()),
            ("without_passage", pa.float64()),
        ]
    )
)

SCHEMAS: dict[str, pa.Schema] = {
    "passages": pa.schema({"passage_id": pa.string(), "title": pa.string(), "text": pa.string()}),
    "queries": pa.schema(
        {
            "query_id": pa.string(),
            "text": pa.string(),
            "answers": pa.list_(pa.string()),
            "split": pa.string(),
            "tags": pa.list_(pa.string()),
        }
    ),
    "qrels": pa.schema({"query_id": pa.string(), "passage_id": pa.string(), "relevance": pa.int32()}),
    "candidates": pa.schema(
        {"query_id": pa.string(), "passage_id": pa.string(), "source": pa.string(), "rank": pa.int32()}
    ),
    "utilities": pa.schema(
        {
            "query_id": pa.string(),
            "passage_id": pa.string(),
            "teacher": pa.string(),
            "value": pa.float64(),
            "answers": ANSWERS,
            "truncated": pa.int32(),
        }
    ),
    "scored_pairs": pa.schema({"query_id": pa.string(), "passage_id": pa.string(), "teacher": pa.string()}),
    "failures": pa.schema(
        {
            "query_id": pa.string(),
            "passage_id": pa.string(),
            "teacher": pa.string(),
            "reason": pa.string(),
            "status": pa.string(),
            "answer": pa.string(),
        }
    ),
    "hits": pa.schema(
        {
            "run": pa.string(),
            "query_id": pa.string(),
            "passage_id": pa.string(),
            "rank": pa.int32(),
            "similarity": pa.float64(),
        }
    ),
    "answers": pa.schema(
        {
            "reader": pa.string(),
            "query_id": pa.string(),
            "passages": pa.list_(pa.string()),
            "answer": pa.string(),
            "reason": pa.string(),
            "truncated": pa.int32(),
        }
    ),
    "annotations": pa.schema(
        {
            "query_id": pa.string(),
            "passage_id": pa.string(),
            "annotator": pa.string(),
            "verdict": pa.string(),
            "note": pa.string(),
            "rule": pa.string(),
            "created": pa.timestamp("us"),
            "grade": pa.int32(),
            "tags": pa.list_(pa.string()),
            "flagged": pa.bool_(),
            "sequence": pa.int64(),
        }
    ),
}


def table(name: str, rows: Iterable[Sequence[Any]]) -> pa.Table:
    """Return `rows` (NamedTuples that begin with table `name`'s columns, in order) as an Arrow table."""
    schema = SCHEMAS[name]
    columns = list(zip(*rows, strict=True))[: len(schema)] or [()] * len(schema)
    if name == "utilities":
        columns[4] = tuple([answer._asdict() for answer in answers] for answers in columns[4])
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)


class _Registered:
    """What DuckDB reads an Arrow table through: it holds on to what was registered, until long after a transaction."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, rows: pa.Table, name: str = "rows") -> Iterator[None]:
    """Let SQL within the block read an Arrow table by a name; the table is let go of at its end."""
    registration = _Registered(rows)
    connection.register(name, registration)
    try:
        yield
    finally:
        connection.unregister(name)
        registration.rows = None


def insert(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Sequence[Any]]) -> int:
    """Insert rows into table `name`, where it has a key those that are new; return how many."""
    if not rows:
        return 0
    ignore = "" if name in ("hits", "annotations", "answers") else " on conflict do nothing"
    with registered(connection, table(name, rows)):
        return changed(connection.execute(f"insert into {name} by name select * from rows{ignore}"))


def changed(statement: duckdb.DuckDBPyConnection) -> int:
    """Return how many rows an executed statement inserted, updated or deleted."""
    # All are fetched: a connection with a result left over registers no table.
    ((count,),) = statement.fetchall()
    return int(count)


def same(left: str, right: str, columns: Sequence[str]) -> str:
    """Return the condition that two tables agree in some columns."""
    return " and ".join(f"{left}.{column} = {right}.{column}" for column in columns)
