"""Threads of one process share a database file: readers beside one another and beside a writer, in turn with others."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import QUERIES
from workbench.errors import StoreBusy
from workbench.records import Passage
from workbench.store import Store, views
from workbench.store.database.connection import connected

SOON = 60.0  # seconds of patience on a busy machine


def in_threads(*functions: Callable[[], object]) -> list[Exception]:
    """Call functions at once, each in a thread of its own, and return what they raise."""
    errors: list[Exception] = []

    def call(function: Callable[[], object]) -> None:
        try:
            function()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=call, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_a_thread_reads_while_another_one_reads(store: Store) -> None:
    with store.read():
        assert not in_threads(lambda: Store(store.path, opened=False).must_be_free(0.0))
        assert not in_threads(lambda: views.counts(store))


def test_a_thread_reads_what_was_committed_while_another_one_writes(store: Store) -> None:
    seen: list[int] = []
    with store.write() as writer:
        writer.execute("insert into passages values ('new', '', 'x')")
        assert not in_threads(lambda: seen.append(views.counts(store).passages))
        assert views.counts(store).passages == 5  # the writer sees its own
    assert (seen, views.counts(store).passages) == ([4], 5)


def test_a_second_writer_waits_for_the_first_and_is_told_who_it_is(store: Store) -> None:
    def write() -> None:
        with connected(store.database, read_only=False, patience=0.1):
            raise AssertionError("two writers at once")

    with store.write():
        (error,) = in_threads(write)
    assert isinstance(error, StoreBusy)
    assert f"thread {threading.current_thread().name!r} of this process, which has been writing for" in str(error)


def test_a_writer_is_not_kept_waiting_by_ever_new_readers(store: Store) -> None:
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            views.counts(store)

    def write() -> None:
        for number in range(20):
            store.add_collection((), [Passage(f"n{number}", "", "x")])
        stop.set()

    assert not in_threads(*[read] * 6, write)
    assert views.counts(store).passages == 24


def test_eight_readers_and_a_writer_wait_shortly(store: Store) -> None:
    """One slow question keeps neither the other readers nor the writer beside it for long."""
    stop, waits = threading.Event(), list[float]()

    def read() -> None:
        while not stop.is_set():
            began = time.monotonic()
            with store.read() as connection:
                waits.append(time.monotonic() - began)
                assert connection.execute("select count(*) from queries").fetchone() == (len(QUERIES),)
            time.sleep(0.005)

    def write() -> None:
        deadline = time.monotonic() + 3.0
        number = 0
        while time.monotonic() < deadline:
            store.add_collection((), [Passage(f"n{number}", "", "x")])
            number += 1
            time.sleep(0.05)
        stop.set()

    assert not in_threads(*[read] * 8, write)
    assert len(waits) > 100
    assert np.percentile(waits, 99) < 1.0


def test_another_process_gets_its_turn_among_ever_new_readers(store: Store) -> None:
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            views.counts(store)

    code = f"""
from workbench.store import Store
from workbench.records import Passage
store = Store({str(store.path)!r})
for number in range(3):
    store.add_collection((), [Passage(f"n{{number}}", "", "x")])
"""
    outcomes: list[subprocess.CompletedProcess[str]] = []

    def write() -> None:
        command = [sys.executable, "-c", code]
        outcomes.append(subprocess.run(command, capture_output=True, text=True, check=False, timeout=2 * SOON))
        stop.set()

    assert not in_threads(*[read] * 4, write)
    assert outcomes[0].returncode == 0, outcomes[0].stderr
    assert views.counts(store).passages == 7


def test_what_a_failed_block_was_told_is_told_on_and_the_file_is_free_again(store: Store) -> None:
    with pytest.raises(KeyError), store.write() as writer:
        writer.execute("insert into passages values ('new', '', 'x')")
        raise KeyError
    code = f"import duckdb; duckdb.connect({str(store.database)!r})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert views.counts(store).passages == 4
    assert not (store.path / ".workbench-waiting").exists()  # nobody has waited


def test_a_workspace_that_may_only_be_read_is_read_by_many_at_once(store: Store, tmp_path: Path) -> None:
    store.path.chmod(0o500)
    try:
        with store.read():
            assert not in_threads(*[lambda: views.counts(store)] * 3)
    finally:
        store.path.chmod(0o700)
