"""What DuckDB says of a file that is held, damaged, full or another's, as errors that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psutil

from workbench.errors import StoreBusy, StoreVersion, WorkbenchError
from workbench.files import write_failure

# What DuckDB says while another process holds the file, or someone in this one holds it by other means than ours.
BUSY = ("lock on file", "different configuration", "already attached")

# What DuckDB says of a file that is cut off or overwritten, or that another program wrote.
DAMAGED = ("read enough bytes", "checksum", "Corrupt", "not a valid DuckDB", "Is a directory", "sqlite_scanner")

# What the RuntimeError says that DuckDB makes of a KeyboardInterrupt within a query.
INTERRUPTED = "Query interrupted"


@contextmanager
def in_words(database: Path) -> Iterator[None]:
    """Raise what DuckDB says of a damaged file or a full disk as an error that a person can act on.

    An interrupt of a query is an interrupt again: DuckDB makes a RuntimeError of it.
    """
    try:
        yield
    except RuntimeError as trouble:
        if str(trouble) == INTERRUPTED:
            raise KeyboardInterrupt from trouble
        raise
    except duckdb.InterruptException as trouble:
        raise KeyboardInterrupt from trouble
    except duckdb.Error as trouble:
        if is_damaged(trouble):
            raise translated(trouble, database) from trouble
        if failure := write_failure(trouble, database):
            raise failure from trouble
        raise


def is_busy(trouble: Exception) -> bool:
    """Return whether somebody else has the file."""
    return any(words in str(trouble) for words in BUSY)


def is_damaged(trouble: Exception) -> bool:
    """Return whether the file is cut off, overwritten or no database of ours."""
    return any(words in str(trouble) for words in DAMAGED)


def busy(trouble: Exception, database: Path) -> StoreBusy:
    """Return the error that names who has the file."""
    match = re.search(r"PID (\d+)", str(trouble))
    holder = "another connection of this process"
    if match:
        try:
            holder = f"process {match[1]} ({' '.join(psutil.Process(int(match[1])).cmdline()[:6])})"
        except psutil.Error:
            holder = f"process {match[1]}"
    return StoreBusy(
        f"{database} is kept busy by {holder}.",
        "Close that program, or let it finish, and try again. The workbench itself never keeps the file open.",
    )


def translated(trouble: Exception, database: Path) -> WorkbenchError:
    """Return why a file cannot be opened."""
    text = str(trouble)
    if failure := write_failure(trouble, database):
        return failure
    if "version number" in text or "newer" in text:
        return StoreVersion(
            f"{database} was written by another version of DuckDB than {duckdb.__version__}.",
            "Upgrade duckdb, or open the workspace where it was made and take a snapshot.",
        )
    if is_damaged(trouble):
        return WorkbenchError(
            f"{database} cannot be read: it is damaged, or not a database of the workbench.",
            "Put a copy that `workbench snapshot` made in its place, or move it away and ingest again; students and "
            "vectors are in folders beside it, and `workbench doctor` says whether they are whole.",
        )
    return WorkbenchError(f"{database} cannot be opened: {text.splitlines()[0]}")
