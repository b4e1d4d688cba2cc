"""What was computed is old once a table that it reads has changed, and not before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import QRELS, QUERIES, run, utility
from tests.store.test_store import of_schema
from workbench.records import Annotation, Answer, Candidate, Failure, Hit, Passage, Qrel, Query, ReadRun
from workbench.steps.compare.evaluate import measured_runs
from workbench.steps.compare.leaderboard import leaderboard
from workbench.steps.data.workspace_settings import configure
from workbench.store import TABLES, Store, add_ranking, arrow, kept, views
from workbench.store.database import schema
from workbench.store.database.changes import tables_read
from workbench.store.derived import derive_ensemble, derive_reading
from workbench.store.near_duplicates import write_groups
from workbench.store.splits import set_splits
from workbench.store.student_rows import remove_rows, rename_rows
from workbench.store.views import judged

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRAIN = QUERIES[2]
WRITERS: dict[str, Callable[[Store], object]] = {
    "collection": lambda store: store.add_collection([Query("q5", "", (), "")], [Passage("p5", "", "Salt.")], QRELS),
    "ids of qrels": lambda store: store.add_collection((), (), [Qrel("q5", "p5", 1)]),
    "texts": lambda store: store.add_collection(
        [Query("by id", "Which split?", (), "test")], [Passage("p5", "", "Salt.")]
    ),
    "another text": lambda store: store.add_collection(
        [QUERIES[0]._replace(text="What is new?", split="dev")], [Passage("ü", "", "New.")], replace=True
    ),
    "passages": lambda store: store.add_collection([], [Passage("p5", "", "Salt."), Passage("p6", "", "New.")]),
    "another passage": lambda store: store.add_collection([], [Passage("ü", "", "New.")], replace=True),
    "candidates": lambda store: store.add_candidates([Candidate("q4", "ü", "bm25")]),
    "utilities": lambda store: store.add_scored([utility("007", "ü", 1.0), utility("007", "ü", 1.0, "other")]),
    "a failure": lambda store: store.add_scored([Failure("007", "03", "third", "no answer")]),
    "units": lambda store: store.add_units({"silent": "logit"}),
    "run": lambda store: store.add_run(run("new"), [Hit("new@test", "q1", "ü", 1, 0.5)]),
    "run replaced": lambda store: store.add_run(run("after"), [Hit("after@test", "q1", "ü", 1, 0.5)]),
    "hits": lambda store: store.add_hits([Hit("after@test", "q4", "ü", 1, 0.5)]),
    "answers": lambda store: store.add_answers([Answer("reader", "q1", ("ü",), "salt")]),
    "read run": lambda store: store.add_read_run(ReadRun("after@test", "reader", 1, None)),
    "annotations": lambda store: store.add_annotations([Annotation("q1", "ü", "ada", "useful", "", "", NOW)], "key"),
    "reading": lambda store: derive_reading(store, "toy", "toy/sum", "sum", "best"),
    "ensemble": lambda store: derive_ensemble(store, "both", ["toy"], [1.0], "rank"),
    "splits": lambda store: set_splits(store, {"q1": "dev", "007": "test"}),
    "near-duplicates": lambda store: write_groups(store, "passage", {"ü": "03", "03": "03"}, 7),
    "settings": lambda store: configure(store, relevance=2),
    "student renamed": lambda store: rename_rows(store, "after", "renamed", lambda: None),
    "student removed": lambda store: remove_rows(store, "after"),
    "ranking": lambda store: add_ranking(
        store, "theirs",
        [arrow.table("hits", [Hit("", "q6", "p6", 1, 0.5)]).drop_columns(["run", "rank"])], "", split="test",
    ),
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS)
def test_a_write_changes_no_table_but_those_that_it_names(store: Store, writer: str) -> None:
    store.add_collection((), (), [Qrel("by id", "p5", 1)])
    store.add_run(run("after", ""), [Hit("after@", "by id", "p5", 1, 0.5)])
    rows, changes = _rows(store), store.changes()
    WRITERS[writer](store)
    after = store.changes()
    named = {table for table in TABLES if after.tables[table] > changes.tables[table]}
    parts = {part for part in after.parts if after.parts[part] > changes.parts.get(part, 0)}
    different = {table for table, of_table in _rows(store).items() if of_table != rows[table]}
    assert different, "this writer changes nothing"
    assert different <= named | {part.table for part in parts}
    for table in different - named:
        changed = (rows[table] - _rows(store)[table]) + (_rows(store)[table] - rows[table])
        assert {(table, row["run" if table == "hits" else "teacher"]) for row in map(dict, changed)} <= parts
    assert store.revision() == after.last() > changes.last()


def test_every_table_has_its_last_change_from_the_beginning(empty: Store) -> None:
    with empty.read() as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database()"
        ).fetchall()
        views_of_it = "select count(*) from duckdb_views() where database_name = current_database() and not internal"
        assert connection.execute(views_of_it).fetchone() == (0,), "its name would hide what tables it reads"
    assert {name for (name,) in tables} - {"meta", "changes"} == set(TABLES) == set(empty.changes().tables)


def test_an_answer_is_old_only_where_a_table_that_it_reads_has_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "SLOW", 0.0)
    of_run = views.find_run(store, "after", "test")

    def pairs() -> int:
        return sum(one.relevant + one.other for one in views.histogram(store, "toy", of_run))

    def candidates() -> dict[str, int]:
        return {counted.split: counted.candidates for counted in views.counts(store).splits}

    asked: dict[str, Callable[[], Any]] = {"pairs": pairs, "splits": candidates, "ranked": lambda: len(_ranked(store))}
    before = {name: ask() for name, ask in asked.items()}
    for write, old in (
        (WRITERS["run"], set()),
        (WRITERS["annotations"], set()),
        (lambda store: store.add_scored([utility("q1", "p/1", 2.0, "other")]), set()),
        (lambda store: store.add_scored([Failure("007", "03", "toy", "none")]), {"pairs"}),
        (WRITERS["candidates"], {"splits"}),
        (WRITERS["hits"], {"pairs", "ranked"}),
    ):
        files = _files(store)
        write(store)
        answers = {name: ask() for name, ask in asked.items()}
        assert {name.rpartition("-")[0] for name in _files(store) - files if name.split("-")[0] in asked} == old
    assert answers == before | {"splits": before["splits"] | {"dev": 1}, "ranked": before["ranked"] + 1}


def test_of_many_runs_only_what_is_new_is_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read = judged._ranked_queries
    monkeypatch.setattr(judged, "_ranked_queries", lambda store, run: reads.append(run.run) or read(store, run))
    for number in range(5):
        store.add_run(run(f"student {number}"), [Hit(f"student {number}@test", "q1", "p/1", 1, 0.5)])
    every = {one.run for one in views.runs(store, "test")}
    writers: dict[Callable[[], object], set[str]] = {
        lambda: None: every,
        lambda: None: set(),
        lambda: WRITERS["annotations"](store): set(),
        lambda: store.add_collection([], [Passage("new", "", "Of another text.")]): set(),
        lambda: store.add_run(run("new"), [Hit("new@test", "q1", "p/1", 1, 0.5)]): {"new@test"},
        lambda: store.add_run(run("new"), [Hit("new@test", "q1", "p/1", 2, 0.5)]): {"new@test"},
        lambda: store.add_collection(qrels=[Qrel("q1", "new", 1)]): every | {"new@test"},
    }
    for write, expected in writers.items():
        write()
        reads.clear()
        board = leaderboard(store, "test", "R@1")
        assert set(reads) == expected
        measured = {one.student: one.measures["R@1"] for one in measured_runs(store, views.runs(store, "test"))}
        assert measured == {row.student: row.measures["R@1"] for row in board.students if row.measures}
        assert set(reads) == expected
    with store.transaction():
        store.add_run(run("new"), [Hit("new@test", "q2", "p/1", 1, 0.5)])
        assert list(views.ranked_queries(store, run("new"))) == ["q2"]


def test_the_tables_of_a_query_are_those_that_it_names(store: Store) -> None:
    query = """
        with pair as materialized (select h.* from hits h semi join (from "utilities") u using (query_id)
            where teacher = $teacher), failures as (select 1 as x)
        select *, (select count(*) from main.runs) as queries from pair where query_id in (select query_id from qrels)
    """
    with store.read() as connection:
        assert set(tables_read(connection, query)) == {"hits", "utilities", "runs", "qrels"}
        assert tables_read(connection, "pivot hits on run using count(*)") == TABLES, "better too many than too few"


def test_a_workspace_of_before_knows_of_no_change_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = next(number for number, text in enumerate(schema.MIGRATIONS) if "create table changes" in text)
    with of_schema(before, tmp_path, monkeypatch) as open_store:
        open_store.execute("update meta set value = 41 where key = 'revision'")
        open_store.execute("update meta set value = 12 where key = 'annotations'")
    new = Store(tmp_path)
    assert new.revision() == 41
    assert new.changes() == (dict.fromkeys(TABLES, 41), {})
    new.add_candidates([Candidate("q", "p", "bm25")])
    assert new.changes().last(["passages", "hits"]) == 41 < new.changes().last(["candidates"]) == new.revision() == 42


def _rows(store: Store) -> dict[str, Counter[tuple[tuple[str, str], ...]]]:
    """Return each table's rows, of columns and their values as text."""
    contents: dict[str, Counter[tuple[tuple[str, str], ...]]] = {}
    with store.read() as connection:
        for table in TABLES:
            columns, rows = connection.execute(f"from {table}"), connection.fetchall()
            names = [name for name, *_ in columns.description or ()]
            contents[table] = Counter(tuple(zip(names, map(str, row), strict=True)) for row in rows)
    return contents


def _files(store: Store) -> set[str]:
    folder = store.path / kept.FOLDER
    return {file.name for file in folder.iterdir()} if folder.exists() else set()


def _ranked(store: Store) -> Mapping[str, views.RankedQuery]:
    return views.ranked_queries(store, views.find_run(store, "after", "test"))
