"""Open-work-close on the database file, with bounded waiting for whoever else has it."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

import duckdb

from workbench import memory
from workbench.errors import StoreBusy
from workbench.progress import QUICK_SECONDS, listener
from workbench.records import Progress, silent
from workbench.store.database.connection_errors import busy, in_words, is_busy, translated
from workbench.store.database.schema import STORAGE

# Building DuckDB's catalog of functions takes 20 ms of a core, attaching a file to it 2 ms. So a process has one
# instance, of nothing but memory, and a file is attached to it for as long as someone works on it.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": STORAGE,
    # Without these an unknown function makes DuckDB try the network for seconds before it fails.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

# How many bytes DuckDB takes before it writes to a folder in the workspace, at most and at least; by itself it would
# take 80 % of the machine. Half of what is free, where that is less: what a query returns needs a place as well.
MEMORY, LEAST_MEMORY = 2 * 2**30, 2**28
SPILL = "spill-"  # the beginning of that folder's name, which the number of the process ends
FORGOTTEN_SECONDS = 86_400  # after which such a folder is what a killed process has left; in a container, too

# One thread of a process at a time. A POSIX lock belongs to the process and goes with the first handle that is closed:
# were a second thread to open and close the file meanwhile, other processes could write beside us, and lose rows.
_turns: defaultdict[Path, threading.RLock] = defaultdict(threading.RLock)
_names: dict[Path, str] = {}  # of the files that are attached
_transactions: dict[Path, duckdb.DuckDBPyConnection] = {}  # the open one of a file, of the thread whose turn it is
_numbers = count()


@contextmanager
def connected(database: Path, *, read_only: bool, patience: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold a connection to `database` for the length of the block, waiting up to `patience` seconds for it.

    Raises StoreBusy naming the process that keeps the file, StoreVersion for a file from a newer DuckDB.
    """
    deadline = time.monotonic() + patience
    if not _turns[database].acquire(timeout=patience):
        raise StoreBusy(f"{database} is kept busy by another thread of this process.", "Let it finish, and try again.")
    try:
        with in_words(database), _replaced_if_fatal(), _instance(os.getpid()).cursor() as holder:
            if database in _transactions:  # this thread's: what it has written is seen
                try:
                    yield _transactions[database]
                finally:
                    with suppress(duckdb.Error):  # a connection with a result left over registers no table
                        _transactions[database].fetchall()
                return
            if database in _names:  # this thread holds it already
                with _using(holder, _names[database]) as connection:
                    yield connection
                return
            _spill_beside(holder, database)
            try:
                with attached(holder, database, "read_only" if read_only else "read_write", deadline) as name:
                    _names[database] = name
                    try:
                        with _using(holder, name) as connection:
                            yield connection
                    finally:
                        del _names[database]
            except DetachFailed:
                pass  # what was committed is in the log beside the file, and the next one to open it works it in
    finally:
        _turns[database].release()


@contextmanager
def transaction(database: Path, *, patience: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold one transaction for the block; within another one of this thread the block is a part of that."""
    with connected(database, read_only=False, patience=patience) as connection:
        if database in _transactions:
            yield connection
            return
        connection.execute("begin")
        _transactions[database] = connection
        try:
            yield connection
            connection.execute("commit")
        except BaseException:
            with suppress(duckdb.Error):  # after a full disk DuckDB has rolled back, and refuses to do it again
                connection.execute("rollback")
            raise
        finally:
            del _transactions[database]


@contextmanager
def _replaced_if_fatal() -> Iterator[None]:
    """Forget this process's DuckDB after an error that makes it refuse all further work, such as a full disk."""
    try:
        yield
    except duckdb.FatalException:
        _instance.cache_clear()
        raise


@contextmanager
def attached(
    connection: duckdb.DuckDBPyConnection, database: Path, options: str, deadline: float = 0.0
) -> Iterator[str]:
    """Attach a file for the length of the block, and yield the name that statements call it by."""
    name = f"attached_{next(_numbers)}"
    try:
        _wait(connection, f"attach {_literal(database)} as {name} ({options})", database, deadline)
        yield name
    except BaseException:
        with suppress(DetachFailed):
            _detach(connection, name)
        raise
    _detach(connection, name)


class DetachFailed(Exception):
    """A file could not be let go of in good order, as where its log cannot be worked in because the disk is full."""


def _detach(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    try:
        connection.execute(f"detach database if exists {name}")
    except duckdb.Error as error:
        _instance.cache_clear()  # which holds the file until it is gone itself
        raise DetachFailed(str(error)) from error


@contextmanager
def watched(connection: duckdb.DuckDBPyConnection, step: str) -> Iterator[None]:
    """Report within the block how far the connection's query is, in percent, once that takes longer than a moment."""
    listen, started, ended = listener(), time.monotonic(), threading.Event()
    if listen is silent:
        yield
        return

    def watch() -> None:
        while not ended.wait(QUICK_SECONDS):
            if (percent := connection.query_progress()) >= 0:  # below where DuckDB does not know
                listen(Progress(step, int(percent), 100, "%"))

    watcher = threading.Thread(target=watch, daemon=True)
    with suppress(duckdb.InvalidInputException):  # as in `_using`: then nothing is known before the end
        connection.execute("set enable_progress_bar_print = false")
        connection.execute("set enable_progress_bar = true")
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        with suppress(duckdb.InvalidInputException):
            connection.execute("set enable_progress_bar = false")
    if time.monotonic() - started > QUICK_SECONDS:
        listen(Progress(step, 100, 100, "%"))


@contextmanager
def _using(holder: duckdb.DuckDBPyConnection, name: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold a connection whose tables are those of an attached file."""
    with holder.cursor() as connection:
        # Else a query of more than two seconds draws a bar into stdout, among the JSON of a command. In Jupyter
        # without ipywidgets there is none to draw, and DuckDB refuses to hear of it.
        with suppress(duckdb.InvalidInputException):
            connection.execute("set enable_progress_bar = false")
        connection.execute(f"use {name}")
        yield connection


@cache
def _instance(process: int) -> duckdb.DuckDBPyConnection:
    """Return this process's DuckDB; a process that was forked from another needs one of its own."""
    size = max(LEAST_MEMORY, min(MEMORY, memory.free() // 2))
    return duckdb.connect(":memory:", config=CONFIG | {"memory_limit": f"{size}B"})


def _spill_beside(connection: duckdb.DuckDBPyConnection, database: Path) -> None:
    """Let what exceeds the memory limit go to the database's folder: where others put it, /tmp, may be memory itself.

    DuckDB removes what it wrote there; what a killed process has left is removed here.
    """
    folder = database.parent
    for left in folder.glob(f"{SPILL}*"):
        with suppress(OSError):  # another process removes it too
            if time.time() - left.stat().st_mtime > FORGOTTEN_SECONDS:
                shutil.rmtree(left)
    place = folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    with suppress(duckdb.Error):  # refused while another workspace's query of this process has spilled
        connection.execute(f"set temp_directory = {_literal(place / f'{SPILL}{os.getpid()}')}")


def _wait(connection: duckdb.DuckDBPyConnection, statement: str, database: Path, deadline: float) -> None:
    """Execute a statement that opens a file as soon as nobody else has it."""
    pause = 0.005
    while True:
        try:
            connection.execute(statement)
            return
        except duckdb.Error as trouble:
            if not is_busy(trouble):
                raise translated(trouble, database) from trouble
            if time.monotonic() > deadline:
                raise busy(trouble, database) from trouble
        time.sleep(random.uniform(pause / 2, pause))
        pause = min(pause * 1.5, 0.05)


def _literal(path: Path) -> str:
    # A file to attach cannot be bound to a statement.
    return "'" + str(path).replace("'", "''") + "'"
