"""What is asked of a workspace takes a bounded amount of memory: more goes to a folder beside the database."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import duckdb
import pytest

from tests.conftest import run
from workbench import memory
from workbench.records import Hit, Passage, Query, Utility
from workbench.store import Store, connection, views

FORGOTTEN = connection.FORGOTTEN_SECONDS


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(connection, "MEMORY", 2**26)
    monkeypatch.setattr(connection, "LEAST_MEMORY", 2**26)
    connection._instance.cache_clear()
    yield
    connection._instance.cache_clear()


def test_what_exceeds_the_memory_limit_goes_to_the_workspace(store: Store, little_memory: None) -> None:
    with store.read() as held:
        settings = held.execute("select current_setting('memory_limit'), current_setting('temp_directory')").fetchone()
        assert settings == ("64.0 MiB", str(store.path / f"spill-{os.getpid()}"))
        many = "select i, row_number() over (order by hash(i)) as place from range(3_000_000) numbers(i)"
        assert held.execute(f"select count(*), max(place) from ({many})").fetchall() == [(3_000_000, 3_000_000)]
        held.execute("set max_temp_directory_size = '1MB'")
        with pytest.raises(duckdb.OutOfMemoryException):
            held.execute(f"select count(*), max(place) from ({many})").fetchall()
    assert sum(file.stat().st_size for file in store.path.glob("spill-*/*")) == 0
    connection._instance.cache_clear()  # as at the end of the process
    assert not list(store.path.glob("spill-*"))


def test_the_limit_is_two_gigabytes_or_half_of_what_is_free(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, expected in ((64 * 2**30, "2.0 GiB"), (3 * 2**30, "1.5 GiB"), (0, "256.0 MiB")):
        monkeypatch.setattr(memory, "free", lambda free=free: free)
        connection._instance.cache_clear()
        with store.read() as held:
            assert held.execute("select current_setting('memory_limit')").fetchone() == (expected,)
    connection._instance.cache_clear()


def test_what_a_killed_process_has_spilled_is_removed(store: Store) -> None:
    old, new = store.path / "spill-1", store.path / "spill-2"
    for folder in (old, new):
        folder.mkdir()
        (folder / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
    past = time.time() - FORGOTTEN - 1
    os.utime(old, (past, past))
    views.counts(store)
    assert [folder.name for folder in store.path.glob("spill-*")] == ["spill-2"]


def test_near_duplicates_of_other_queries_cost_nothing(store: Store, little_memory: None) -> None:
    """Every passage has a near-duplicate in all of 1,500 queries: compared with all, that is 18 million pairs."""
    text = "The oil embargo of October raised prices for years, said the annual report number"
    queries = [Query(f"n{number}", "?", (), "test") for number in range(1_500)]
    passages = [Passage(f"n{number}", "", f"{text} {number // 2}") for number in range(3_000)]
    store.add_collection(queries, passages)
    pairs = [(f"n{number // 2}", f"n{number}") for number in range(3_000)]
    store.add_scored([Utility(*pair, "toy", float(at % 2), (), 0) for at, pair in enumerate(pairs)], "nats per token")
    store.add_run(run("many"), [Hit("many@test", *pair, at % 2 + 1, 0.5) for at, pair in enumerate(pairs)])
    with store.read() as held:
        held.execute("set max_temp_directory_size = '1MB'")
    cases = views.hard_cases(store, "toy", views.find_run(store, "many", "test"))
    whys = {case.why for case in cases if "near duplicates" in case.rules}
    assert len(whys) == 1_500
    assert any("100 % of its words are those of n2999, yet utility +0.00 against +1.00" in why for why in whys)
