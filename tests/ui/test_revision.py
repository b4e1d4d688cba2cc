"""Pages read the workspace's revision where it has changed, and not with every question."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import utility
from tests.statements import seen_by
from tests.ui.pages import Visit
from workbench.records import Hit, Query
from workbench.store import MEASURED, Changes, Store
from workbench.store import store as store_store
from workbench.store.database import connection
from workbench.store.database.changes import read_changes, tables_read
from workbench.ui.shell import cache


def test_a_click_that_changes_nothing_reads_no_revision(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = visit(store, "utility")
    readings: list[Changes] = []

    def counted(connection: duckdb.DuckDBPyConnection) -> Changes:
        readings.append(read_changes(connection))
        return readings[-1]

    monkeypatch.setattr(store_store, "read_changes", counted)
    at.run()
    assert not readings
    store.add_collection([Query("new", "Anything new?", (), "test")])
    at.run()
    assert len(readings) == 1


def test_a_log_that_goes_while_it_is_looked_at_is_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has removed the log, as it does when it lets go of the database, after it was seen."""
    before, exists = store.revision(), Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.suffix == ".wal" or exists(path))
    assert store.revision() == before


def test_every_transaction_is_seen_at_once(store: Store) -> None:
    for number in range(5):
        before = store.revision()
        other = Store(store.path)
        other.add_collection([Query(f"n{number}", "?", (), "test")])
        assert store.revision() == before + 1 == store.revision()
        assert cache.counts(store).queries == cache.counts(other).queries == 5 + number


def test_a_batch_of_utilities_leaves_the_measures_of_runs_as_they_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: tuple[Callable[[], object], ...] = (
        lambda: cache.diff(store, "before", "after", "nDCG@10", "test"),
        lambda: cache.compared(store, ("before", "after"), "R@1", "test", "RBO"),
        lambda: cache.evaluated(store, "test"),
        lambda: cache.leaderboard(store, "test", "nDCG@10"),
        lambda: cache.rank_similarity(store, "before", "after", "Jaccard@10", "test"),
        lambda: cache.compare_runs(store, ["before", "after"], ["R@1"], "test"),
        lambda: cache.tags(store),
        lambda: cache.leaks(store),
        lambda: cache.read_runs(store, "test"),
        lambda: cache.queries(store, ids=["q1"]),
    )
    tables: set[str] = set()
    monkeypatch.setattr(connection, "_using", _recording(tables, connection._using))
    for hits in ([], [Hit("after@test", "q4", "ü", 1, 0.5)]):
        store.add_hits(hits)
        for question in questions:
            tables.clear()
            question()
            assert set() < tables <= set(MEASURED)
    store.add_scored([utility("007", "ü", 1.0)])
    tables.clear()
    for question in questions:
        question()
    assert not tables, "nothing is asked of the database again"


def _recording(tables: set[str], using: Callable[..., Any]) -> Callable[..., Any]:
    """Return a way to hold a connection that adds what its queries read to `tables`."""

    def record(held: duckdb.DuckDBPyConnection, statement: str) -> None:
        query = re.sub(r"^\s*create or replace temp table \w+ as", "", statement)
        if re.match(r"\s*(select|with|from)\b", query):
            tables.update(tables_read(held, query))

    return seen_by(record, using)


def test_hard_cases_are_shared_and_not_copied(store: Store) -> None:
    run = cache.runs(store)[0]
    assert cache.hard_cases(store, "toy", run) is cache.hard_cases(store, "toy", run)
