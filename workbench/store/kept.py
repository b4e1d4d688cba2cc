"""Answers that take long, kept as files in the workspace until it changes; they can be deleted at any time."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from workbench import files
from workbench.store.database.connection import watched

if TYPE_CHECKING:
    from workbench.store.store import Store

FOLDER = "kept"
ANSWERS = 8  # files kept of a question: those that were read last


@contextmanager
def kept_rows(
    store: Store, question: str, query: str, values: Mapping[str, object]
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Hold a connection for the block, and what a statement can select a query's rows from.

    The query is run where no file has its rows, and once a revision; transactions that only annotate make no other.
    Where no file can be written, the rows are a table of the connection.
    """
    with store.read() as connection:
        path = _path(store, question, query, values)
        if path.exists():
            with suppress(OSError):  # in a workspace that can only be read
                os.utime(path)
            yield connection, parquet_rows(path)
            return
        with watched(connection, question):
            connection.execute(f"create or replace temp table kept_rows as {query}", dict(values))
        with suppress(OSError, duckdb.Error):
            with files.aside(path) as draft:
                connection.execute(f"copy kept_rows to {_literal(draft)} (format parquet)")
            _forget(path)
        yield connection, "kept_rows"


def _path(store: Store, question: str, query: str, values: Mapping[str, object]) -> Path:
    """Return the file of an answer: another query, value, revision or version of DuckDB has another one."""
    asked = repr((query, sorted(values.items()), store.revision(annotations=False), duckdb.__version__))
    return store.path / FOLDER / f"{question.replace(' ', '-')}-{sha256(asked.encode()).hexdigest()[:16]}.parquet"


def _forget(path: Path) -> None:
    """Remove the answers to the same question that were not read for longest."""
    question = path.name.rpartition("-")[0]
    answers = sorted(path.parent.glob(f"{question}-*.parquet"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in answers[ANSWERS:]:
        file.unlink(missing_ok=True)


def parquet_rows(path: Path) -> str:
    """Return what a statement can select a Parquet file's rows from, whatever signs of a pattern its name holds."""
    return f"read_parquet({_literal(glob.escape(str(path)))})"


def _literal(path: Path | str) -> str:
    return "'" + str(path).replace("'", "''") + "'"  # DuckDB binds no value in the place of a file's name
