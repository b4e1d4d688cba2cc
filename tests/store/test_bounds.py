"""What is asked of a workspace takes a bounded amount of memory: more goes to a folder beside the database."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests.conftest import run
from tests.statements import seen_by
from workbench import memory
from workbench.records import Hit, Passage, Qrel, Query, Utility
from workbench.steps.annotate.annotate import annotate
from workbench.store import ALL_BUT_ANNOTATIONS, Store, kept, views
from workbench.store.database import changes, connection

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


def test_near_duplicates_of_other_queries_cost_nothing(
    store: Store, little_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every passage has a near-duplicate in all of 1,500 queries: compared with all, that is 18 million pairs.

    Whatever the rows, DuckDB's operators hold buffers for each thread: two of them take 48 to 64 MB for this statement.
    """
    monkeypatch.setattr(connection, "MEMORY", 2**27)
    monkeypatch.setattr(connection, "LEAST_MEMORY", 2**27)
    connection._instance.cache_clear()
    text = "The oil embargo of October raised prices for years, said the annual report number"
    queries = [Query(f"n{number}", "?", (), "test") for number in range(1_500)]
    passages = [Passage(f"n{number}", "", f"{text} {number // 2}") for number in range(3_000)]
    store.add_collection(queries, passages)
    pairs = [(f"n{number // 2}", f"n{number}") for number in range(3_000)]
    store.add_scored([Utility(*pair, "toy", float(at % 2), (), 0) for at, pair in enumerate(pairs)], "nats per token")
    store.add_run(run("many"), [Hit("many@test", *pair, at % 2 + 1, 0.5) for at, pair in enumerate(pairs)])
    with store.read() as held:
        held.execute("set max_temp_directory_size = '1MB'")
        held.execute("set threads = 2")
    cases = views.hard_cases(store, "toy", views.find_run(store, "many", "test"))
    whys = {case.why for case in cases if "near duplicates" in case.rules}
    assert len(whys) == 1_500
    assert any("100 % of its words are those of n2999, yet utility +0.00 against +1.00" in why for why in whys)


def test_hard_cases_are_found_once_a_revision_and_read_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = (store, "toy", views.find_run(store, "before", "test"), views.find_run(store, "after", "test"))
    cases = views.hard_cases(*asked)
    counts = views.case_counts(*asked)
    assert counts == (len(cases), views.rule_counts(cases))
    (answer,) = (store.path / kept.FOLDER).iterdir()
    monkeypatch.setattr(connection, "_using", _without(r"reasons as \(", connection._using))
    for rule in ("", "got worse", "unjudged but high"):
        of_rule = [case for case in cases if not rule or rule in case.rules]
        assert views.hard_cases(*asked, part=views.Part(rule, limit=1)) == of_rule[:1]
        assert views.hard_cases(*asked, part=views.Part(rule)) == of_rule
        assert list(views.stream_hard_cases(*asked, part=views.Part(rule))) == of_rule
        assert list(views.stream_hard_cases(*asked, part=views.Part(rule, limit=1))) == of_rule[:1]
    annotate(store, "q1", "p/1", "useful")
    assert views.hard_cases(*asked) == cases, "an annotation changes no case"
    monkeypatch.undo()
    store.add_collection((), (), [Qrel("http://q/2?x=1", "ü", 0)])
    assert views.hard_cases(*asked) != cases
    assert len(list((store.path / kept.FOLDER).iterdir())) == 2
    assert views.hard_cases(*asked, views.Thresholds(far=1)) != views.hard_cases(*asked)
    answer.unlink()
    cases = views.hard_cases(*asked)
    assert views.case_counts(*asked).cases == len(cases)
    stream = views.stream_hard_cases(*asked)
    first = next(stream)
    store.add_collection([Query("meanwhile", "Is the workspace free?")])
    assert [first, *stream] == cases
    assert not list(store.path.glob("spill-*"))


def test_some_of_the_queries_can_be_searched(store: Store) -> None:
    asked = (store, "toy", views.find_run(store, "before", "test"), views.find_run(store, "after", "test"), None)
    cases = views.hard_cases(*asked)
    one = views.hard_cases(*asked, views.Part(queries=1))
    (query_id,) = {case.query_id for case in one}
    assert sorted(one) == sorted(case for case in cases if case.query_id == query_id) != sorted(cases)
    assert views.case_counts(*asked, views.Part(queries=1)) == (len(one), views.rule_counts(one))
    assert (
        views.hard_cases(*asked, views.Part("unjudged but high", 1, 1))
        == [case for case in one if "unjudged but high" in case.rules][:1]
    )
    assert views.hard_cases(*asked, views.Part(queries=99)) == cases


def test_what_takes_long_is_answered_once_a_revision(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_after = views.find_run(store, "after", "test")
    questions: tuple[Callable[[], object], ...] = (
        lambda: views.counts(store),
        lambda: views.teachers(store),
        lambda: views.usual_thresholds(store, "toy"),
        lambda: views.median_spread(store, "toy"),
        lambda: views.histogram(store, "toy", run_after),
        lambda: views.density(store, "toy", run_after),
        lambda: views.sample_pairs(store, "toy", run_after).total,
        lambda: views.quadrant_pairs(store, "toy", run_after, useful=True, near=True),
        lambda: views.first_places(store, "toy", run_after),
        lambda: views.disagreements(store, "toy", run_after),
    )
    tables: dict[str, tuple[str, ...]] = {}
    monkeypatch.setattr(changes, "_tables_read", tables)
    answers = [question() for question in questions]
    assert not (store.path / kept.FOLDER).exists(), "what takes no time is not worth a file"
    assert tables and all(set(reads) < set(ALL_BUT_ANNOTATIONS) for reads in tables.values())
    monkeypatch.setattr(kept, "SLOW", 0.0)
    assert [question() for question in questions] == answers
    files = set((store.path / kept.FOLDER).iterdir())
    monkeypatch.setattr(connection, "_using", _without(r"create or replace temp table", connection._using))
    assert [question() for question in questions] == answers
    annotate(store, "q1", "p/1", "useful")
    assert views.counts(store) == answers[0]._replace(annotations=1)  # type: ignore[attr-defined]
    assert set((store.path / kept.FOLDER).iterdir()) == files


def test_a_damaged_answer_is_found_anew(store: Store) -> None:
    asked = (store, "toy", views.find_run(store, "after", "test"))
    cases = views.hard_cases(*asked)
    (answer,) = (store.path / kept.FOLDER).iterdir()
    whole = answer.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"PAR1" * 9):
        answer.write_bytes(damaged)
        assert views.hard_cases(*asked) == cases
        assert answer.read_bytes() == whole


def test_nothing_is_kept_of_a_transaction_that_may_be_rolled_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "SLOW", 0.0)
    before = views.counts(store)
    with pytest.raises(RuntimeError, match="rolled back"), store.write():
        store.add_collection([Query("new", "Anything new?", (), "test")])
        assert views.counts(store).queries == before.queries + 1
        raise RuntimeError("rolled back")
    store.add_collection([Query("new", "", (), "test")], [Passage("another", "", "A text.")])
    assert views.counts(store).passages == before.passages + 1
    assert views.counts(store).queries == before.queries


def test_only_the_answers_read_last_are_kept_and_none_where_none_can_be(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_after = views.find_run(store, "after", "test")
    for rank in range(1, kept.ANSWERS + 4):
        views.hard_cases(store, "toy", run_after, None, views.Thresholds(unjudged=rank))
    assert len(list((store.path / kept.FOLDER).iterdir())) == kept.ANSWERS
    cases = views.hard_cases(store, "toy", run_after)
    shutil.rmtree(store.path / kept.FOLDER)
    (store.path / kept.FOLDER).write_text("a file where the folder was to be")
    assert views.hard_cases(store, "toy", run_after) == cases != []


def _without(words: str, using: Callable[..., Any]) -> Callable[..., Any]:
    """Return a way to hold a connection that refuses to run a statement with these words."""

    def refuse(_: duckdb.DuckDBPyConnection, statement: str) -> None:
        assert not re.search(words, statement), "all hard cases are looked for again"

    return seen_by(refuse, using)


def test_rows_that_were_written_are_let_go_of_within_a_transaction(store: Store) -> None:
    """DuckDB holds on to what was registered; a million passages are added in one transaction, batch by batch."""
    before = pa.total_allocated_bytes()
    with store.transaction():
        for batch in range(8):
            rows = [Passage(f"b{batch} {number}", "", f"{number} " + "x" * 1_000) for number in range(1_000)]
            assert store.add_collection((), rows).passages == len(rows)
        assert pa.total_allocated_bytes() - before < 4_000_000
    assert views.counts(store).passages == 4 + 8_000
