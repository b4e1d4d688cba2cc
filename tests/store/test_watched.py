"""How far a query of the database is: said to whoever listens, of a snapshot and of a search for hard cases."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.shell import worked
from workbench.progress import listening
from workbench.records import Progress
from workbench.store import Store, views
from workbench.store.database import connection, copying

QUERY = "select max(hash(i)) from range(20_000_000) numbers (i)"


@pytest.fixture(autouse=True)
def _every_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "QUICK_SECONDS", 0.001)
    monkeypatch.setattr(copying, "QUICK_SECONDS", 0.0)


def test_a_long_query_reports_percents_and_its_end(empty: Store) -> None:
    reports: list[Progress] = []
    with empty.read() as reader, listening(reports.append), connection.watched(reader, "count"):
        reader.execute(QUERY)
    assert {(report.step, report.total, report.unit) for report in reports} == {("count", 100, "%")}
    percents = [report.done for report in reports]
    assert percents == sorted(percents)
    assert (percents[-1], len(set(percents)) > 2) == (100, True)


def test_where_nobody_listens_nothing_is_watched(empty: Store, capfd: pytest.CaptureFixture[str]) -> None:
    with empty.read() as reader, connection.watched(reader, "count"):
        assert reader.query_progress() == -1
        reader.execute(QUERY)
    assert capfd.readouterr() == ("", "")


def test_a_failure_within_ends_the_watching(empty: Store) -> None:
    threads = threading.active_count()
    with listening(print), pytest.raises(KeyError), empty.read() as reader, connection.watched(reader, "count"):
        raise KeyError
    assert threading.active_count() == threads


def test_snapshots_and_hard_cases_say_how_far_they_are(store: Store, tmp_path: Path) -> None:
    reports: list[Progress] = []
    with listening(reports.append):
        store.snapshot(tmp_path / "copy.duckdb")
        assert views.hard_cases(store, "toy", views.find_run(store, "after", "test"))
    assert {report.step for report in reports} == {"copy", "hard cases"}
    rows = max(report.total for report in reports if report.step == "copy")
    assert f"copy: {rows} of {rows} rows" in worked("snapshot", tmp_path / "other.duckdb", workspace=store.path).err
    printed = worked("cases", "after", "--json", "--set", "near=2", workspace=store.path)  # not kept yet
    assert "hard cases: 100 of 100 %" in printed.err
    assert printed.json
