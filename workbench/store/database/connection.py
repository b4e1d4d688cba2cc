"""Open-work-close on the database file, with bounded waiting for whoever else has it."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from itertools import count
from pathlib import Path
from threading import get_ident

import duckdb

from workbench import memory
from workbench.progress import QUICK_SECONDS, listener
from workbench.records import Progress, silent
from workbench.store.database.connection_errors import busy, in_words, is_busy, translated
from workbench.store.database.functions import add_functions
from workbench.store.database.schema import STORAGE
from workbench.store.database.shared_file import POLL, SharedFile, waiting

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
BULK_MEMORY = 384 * 2**20  # while the rows of a large file are written, which need a place as well
SPILL = "spill-"  # the beginning of that folder's name, which the number of the process ends
FIRST_PAUSE = 0.005  # seconds between two looks whether another process has let go of a file
FORGOTTEN_SECONDS = 86_400  # after which such a folder is what a killed process has left; in a container, too

_files: dict[Path, SharedFile] = {}  # of this process's threads
_transactions: dict[tuple[Path, int], duckdb.DuckDBPyConnection] = {}  # the open one of a file and a thread
_numbers, _making = count(), threading.Lock()


def _forget() -> None:
    """Begin anew in a process that was forked from another: what that one holds is not its own."""
    _files.clear()
    _transactions.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_forget)


@contextmanager
def connected(
    database: Path, *, read_only: bool, patience: float, keeps_writers_out: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold a connection to `database` for the length of the block, waiting up to `patience` seconds for it.

    A reader that keeps writers out waits for its turn as they do, and has the file attached for reading alone.
    Raises StoreBusy naming the process or thread that keeps the file, StoreVersion for a file from a newer DuckDB.
    """
    file = _files.setdefault(database, SharedFile(database, partial(_attach, database), _let_go))
    with in_words(database):
        if own := _transactions.get((database, get_ident())):  # what it has written is seen
            try:
                yield own
            finally:
                with suppress(duckdb.Error):  # a connection with a result left over registers no table
                    own.fetchall()
            return
        with (
            file.held(not read_only, time.monotonic() + patience, in_turn=keeps_writers_out or not read_only) as name,
            _replaced_if_fatal(file),
            _using(name) as connection,
        ):
            yield connection


def let_nobody_join(database: Path) -> None:
    """Let no further thread of this process work on the file that is attached: another one is in its place."""
    _files[database].spoil()


@contextmanager
def transaction(database: Path, *, patience: float, bulk: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold one transaction for the block; within another one of this thread the block is a part of that.

    In one that writes in `bulk` DuckDB takes less memory.
    """
    own = database, get_ident()
    with ExitStack() as held:
        connection = held.enter_context(connected(database, read_only=False, patience=patience))
        if own in _transactions:
            yield connection
            return
        if bulk:
            held.enter_context(taking(connection, BULK_MEMORY))
        connection.execute("begin")
        _transactions[own] = connection
        try:
            yield connection
            connection.execute("commit")
        except BaseException:
            with suppress(duckdb.Error):  # after a full disk DuckDB has rolled back, and refuses to do it again
                connection.execute("rollback")
            raise
        finally:
            del _transactions[own]


@contextmanager
def taking(connection: duckdb.DuckDBPyConnection, size: int) -> Iterator[None]:
    """Let DuckDB take so many bytes at most within the block, of whichever thread, if it can give back what is more."""
    with suppress(duckdb.Error):
        connection.execute(f"set memory_limit = '{min(size, _memory())}B'")
    try:
        yield
    finally:
        with suppress(duckdb.Error):
            connection.execute(f"set memory_limit = '{_memory()}B'")


def in_transaction(database: Path) -> bool:
    """Return whether what this thread reads of a database may still be rolled back."""
    return (database, get_ident()) in _transactions


@contextmanager
def _replaced_if_fatal(file: SharedFile) -> Iterator[None]:
    """Forget this process's DuckDB after an error that makes it refuse all further work, such as a full disk."""
    try:
        yield
    except duckdb.FatalException:
        _instance.cache_clear()
        file.spoil()
        raise


def _attach(database: Path, writes: bool, deadline: float) -> str:
    """Attach a file to this process's DuckDB, and return the name that statements call it by."""
    with _cursor() as connection:
        _spill_beside(connection, database)
        return _attach_as(connection, database, "read_write" if writes else "read_only", deadline)


def _attach_as(connection: duckdb.DuckDBPyConnection, database: Path, options: str, deadline: float) -> str:
    name = f"attached_{next(_numbers)}"
    try:
        _wait(connection, f"attach {_literal(database)} as {name} ({options})", database, deadline)
    except BaseException:
        with suppress(DetachFailed):
            _detach(connection, name)
        raise
    return name


def _let_go(name: str) -> None:
    """Detach a file; where that fails, what was committed is in the log beside it, for whoever opens it next."""
    with suppress(DetachFailed), _cursor() as connection:
        _detach(connection, name)


@contextmanager
def attached(connection: duckdb.DuckDBPyConnection, database: Path, options: str) -> Iterator[str]:
    """Attach a file for the length of the block, and yield the name that statements call it by."""
    name = _attach_as(connection, database, options, 0.0)
    try:
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
def _using(name: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold a connection whose tables are those of an attached file."""
    with _cursor() as connection:
        # Else a query of more than two seconds draws a bar into stdout, among the JSON of a command. In Jupyter
        # without ipywidgets there is none to draw, and DuckDB refuses to hear of it.
        with suppress(duckdb.InvalidInputException):
            connection.execute("set enable_progress_bar = false")
        connection.execute(f"use {name}")
        yield connection


def _cursor() -> duckdb.DuckDBPyConnection:
    """Return a connection to this process's DuckDB, which threads that come at once make once."""
    with _making:
        return _instance(os.getpid()).cursor()


@cache
def _instance(process: int) -> duckdb.DuckDBPyConnection:
    """Return this process's DuckDB; a process that was forked from another needs one of its own."""
    connection = duckdb.connect(":memory:", config=CONFIG | {"memory_limit": f"{_memory()}B"})
    add_functions(connection)
    return connection


def _memory() -> int:
    """Return how many bytes DuckDB takes at most."""
    return max(LEAST_MEMORY, min(MEMORY, memory.free() // 2))


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
    pause = FIRST_PAUSE
    with ExitStack() as announced:
        while True:
            try:
                connection.execute(statement)
                return
            except duckdb.Error as trouble:
                if not is_busy(trouble):
                    raise translated(trouble, database) from trouble
                if time.monotonic() > deadline:
                    raise busy(trouble, database) from trouble
            if pause == FIRST_PAUSE:
                announced.enter_context(waiting(database))
            time.sleep(random.uniform(pause / 2, pause))
            pause = min(pause * 1.5, POLL)


def _literal(path: Path) -> str:
    # A file to attach cannot be bound to a statement.
    return "'" + str(path).replace("'", "''") + "'"
