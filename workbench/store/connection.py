"""Open-work-close on the database file, with bounded waiting for whoever else has it."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import psutil

from workbench.errors import StoreBusy, StoreVersion, WorkbenchError
from workbench.store.schema import STORAGE

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": STORAGE,
    # Without these an unknown function makes DuckDB try the network for seconds before it fails.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

# What DuckDB says while another process holds the file, or someone in this one holds it by other means than ours.
BUSY = ("lock on file", "different configuration", "already attached")

# One thread of a process at a time. A POSIX lock belongs to the process and goes with the first handle that is closed:
# were a second thread to open and close the file meanwhile, other processes could write beside us, and lose rows.
_turns: defaultdict[Path, threading.RLock] = defaultdict(threading.RLock)


@contextmanager
def connected(database: Path, *, read_only: bool, patience: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold a connection to `database` for the length of the block, waiting up to `patience` seconds for it.

    Raises StoreBusy naming the process that keeps the file, StoreVersion for a file from a newer DuckDB.
    """
    deadline = time.monotonic() + patience
    if not _turns[database].acquire(timeout=patience):
        raise StoreBusy(f"{database} is kept busy by another thread of this process.", "Let it finish, and try again.")
    try:
        connection = _wait(database, read_only, deadline)
        try:
            # Else a query of more than two seconds draws a bar into stdout, among the JSON of a command. In Jupyter
            # without ipywidgets there is none to draw, and DuckDB refuses to hear of it.
            with suppress(duckdb.InvalidInputException):
                connection.execute("set enable_progress_bar = false")
            yield connection
        finally:
            connection.close()
    finally:
        _turns[database].release()


def _wait(database: Path, read_only: bool, deadline: float) -> duckdb.DuckDBPyConnection:
    pause = 0.005
    while True:
        try:
            return duckdb.connect(str(database), read_only=read_only, config=CONFIG)
        except duckdb.Error as trouble:
            if not _is_busy(trouble):
                raise _translated(trouble, database) from trouble
            if time.monotonic() > deadline:
                raise _busy(trouble, database) from trouble
        time.sleep(random.uniform(pause / 2, pause))
        pause = min(pause * 1.5, 0.05)


def _is_busy(trouble: Exception) -> bool:
    return any(words in str(trouble) for words in BUSY)


def _busy(trouble: Exception, database: Path) -> StoreBusy:
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


def _translated(trouble: Exception, database: Path) -> WorkbenchError:
    text = str(trouble)
    if "version number" in text or "newer" in text:
        return StoreVersion(
            f"{database} was written by another version of DuckDB than {duckdb.__version__}.",
            "Upgrade duckdb, or open the workspace where it was made and take a snapshot.",
        )
    return WorkbenchError(f"{database} cannot be opened: {text.splitlines()[0]}")
