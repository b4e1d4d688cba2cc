"""A database's file written anew by DuckDB: beside it as a copy, or in its own place without what deletions left."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from workbench import files
from workbench.errors import StoreBusy, WriteFailed
from workbench.progress import QUICK_SECONDS, listener
from workbench.records import Progress
from workbench.store.arrow import registered
from workbench.store.database.connection import DetachFailed, attached, connected, let_nobody_join
from workbench.store.database.schema import STORAGE
from workbench.store.database.shared_file import waiting

# Whoever has opened the former file by its name, and not locked it yet, does so before this has passed, and is refused.
OPENING_SECONDS = 0.5
ROWS_AT_ONCE = 500_000  # that are copied in one transaction


def copy_to(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Copy the database that a connection has open, consistent, to a new file.

    All of it is read in one transaction, and written in many: what one of them adds is in memory with its keys. Raises
    WriteFailed where it cannot be written to its end.
    """
    ((source,),) = connection.execute("select current_database()").fetchall()
    try:
        with (
            attached(connection, path, f"read_write, storage_version '{STORAGE}'") as copy,
            connection.cursor() as reading,
        ):
            connection.execute(f"copy from database {source} to {copy} (schema)")
            reading.execute("begin")
            rows = _rows(reading, source)
            _copy_rows(reading, source, rows, connection, copy)
            if rows != (copied := _rows(connection, copy)):
                raise WriteFailed(f"{path} cannot be written: {copied} are there of {rows}.")
    except DetachFailed as error:  # its rows are in a log beside it
        raise WriteFailed(f"{path} cannot be written: {error}") from error


def rewrite(database: Path, patience: float) -> int:
    """Write a database's file anew in its place, and return how many bytes smaller it is.

    Nobody writes meanwhile: the file is attached for reading alone, which keeps writers out, from before the copy until
    the new one is in its place. Its log must be worked in first, else it would be taken for one of the new file.
    """
    deadline, log = time.monotonic() + patience, database.with_name(f"{database.name}.wal")
    before = database.stat().st_size + (log.stat().st_size if log.exists() else 0)
    while True:
        with connected(database, read_only=False, patience=patience) as connection:
            connection.execute("checkpoint")
        with connected(database, read_only=True, patience=patience, keeps_writers_out=True) as connection:
            if not log.exists():
                with files.aside(database) as draft:
                    copy_to(connection, draft)
                    shutil.copymode(database, draft)
                let_nobody_join(database)
                with waiting(database):  # so that readers of other processes let go of the former file
                    time.sleep(OPENING_SECONDS)
                return before - database.stat().st_size
        if time.monotonic() > deadline:
            raise StoreBusy(f"Others write to {database} all the time.", "Stop them, and try again.")


def _copy_rows(
    reading: duckdb.DuckDBPyConnection,
    source: str,
    rows: dict[str, int],
    writing: duckdb.DuckDBPyConnection,
    copy: str,
) -> None:
    """Copy the rows of tables of which there are so many; small tables are written in one transaction."""
    total, started, listen = sum(rows.values()), time.monotonic(), listener()
    done = committed = 0
    writing.execute("begin")
    try:
        for table in rows:
            for part in reading.sql(f'from {source}."{table}"').to_arrow_reader(ROWS_AT_ONCE):
                with registered(writing, pa.Table.from_batches([part]), "part"):
                    writing.execute(f'insert into {copy}."{table}" from part')
                done += len(part)
                if done - committed >= ROWS_AT_ONCE:
                    writing.execute("commit; begin")
                    committed = done
                if time.monotonic() - started > QUICK_SECONDS:
                    listen(Progress("copy", done, total, "rows"))
        writing.execute("commit")
    except BaseException:
        with suppress(duckdb.Error):  # after a full disk DuckDB has rolled back, and refuses to do it again
            writing.execute("rollback")
        raise


def _rows(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    """Return how many rows each table of an attached database has."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? order by 1", [database]
    ).fetchall()
    return {name: _count(connection, f'{database}."{name}"') for (name,) in tables}


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    ((count,),) = connection.execute(f"select count(*) from {table}").fetchall()
    return int(count)
