"""Answers that take long, kept as files until a table that they read changes; they can be deleted at any time."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from workbench import files
from workbench.store.database.changes import Part, read_changes, tables_read
from workbench.store.database.connection import in_transaction, watched

if TYPE_CHECKING:
    from workbench.store.store import Store

FOLDER = "kept"
ANSWERS = 8  # files kept of a question: those that were read last
SLOW = 0.3  # seconds; of questions that most workspaces answer in less, only longer ones are worth a file


@contextmanager
def kept_rows(
    store: Store,
    question: str,
    query: str,
    values: Mapping[str, object],
    *,
    parts: Sequence[Part] = (),
    always: bool = False,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Hold a connection for the block, and what a statement can select a query's rows from.

    The query is run where no file has its rows, and anew once a table that it names has changed; where `parts` are of
    that table, once one of these has. The rows are a table of the connection where no file can be written; where the
    query took no longer than a moment, unless they are to be kept `always`; and within a transaction, which may be
    rolled back.
    """
    with store.read() as connection:
        restricted = {part.table for part in parts}
        reads = [*parts, *(table for table in tables_read(connection, query) if table not in restricted)]
        last_change = read_changes(connection).last(reads)
        path, passing = _path(store, question, (query, values, last_change)), in_transaction(store.database)
        if not passing and _readable(connection, path):
            yield connection, parquet_rows(path)
            return
        started = time.monotonic()
        with watched(connection, question) if always else nullcontext():
            connection.execute(f"create or replace temp table kept_rows as {query}", dict(values))
        if passing or (not always and time.monotonic() - started < SLOW):
            yield connection, "kept_rows"
            return
        with suppress(OSError, duckdb.Error):
            with files.aside(path) as draft:
                connection.execute(f"copy kept_rows to {_literal(draft)} (format parquet)")
            _forget(path)
        yield connection, "kept_rows"


def _path(store: Store, question: str, asked: tuple[str, Mapping[str, object], int]) -> Path:
    """Return the file of an answer: another query, value, last change or version of DuckDB has another one."""
    query, values, last_change = asked
    exact = repr((query, sorted(values.items()), last_change, duckdb.__version__))
    return store.path / FOLDER / f"{question.replace(' ', '-')}-{sha256(exact.encode()).hexdigest()[:16]}.parquet"


def _readable(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Return whether an answer is there, and whole as far as its end tells; another one takes a damaged one's place."""
    try:
        connection.execute(f"select 1 from {parquet_rows(path)} limit 0")
    except duckdb.Error:
        return False
    with suppress(OSError):  # in a workspace that can only be read
        os.utime(path)
    return True


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
