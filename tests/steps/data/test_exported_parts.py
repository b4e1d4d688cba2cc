"""A file is written as its rows are read, those of some queries at a time, and is the same in however many parts."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import run, utility
from tests.statements import seen_by
from tests.workspaces import copy_of
from workbench.errors import Conflict
from workbench.formats.labelling import write_tasks
from workbench.formats.writing import columns
from workbench.formats.writing.rows import AT_ONCE, WRITERS, write_parquet
from workbench.records import Hit, Passage, Qrel, Query
from workbench.steps.annotate.annotate import annotate
from workbench.steps.data import writers
from workbench.steps.data.export import export
from workbench.steps.data.formats import writable
from workbench.steps.data.training_rows import ExportSettings, training_parts
from workbench.store import Store, views
from workbench.store.database import connection
from workbench.store.views import annotations
from workbench.store.views.streamed import rows as streamed
from workbench.store.views.streamed import scored

PASSAGES = [f"p{number}" for number in range(6)]
SETTINGS = ExportSettings(teacher="toy", student="mine")


def _filled(store: Store) -> None:
    """Fill a store whose ids a TREC file can hold with rows of every kind that is exported."""
    queries = [Query(f"q{number}", f"question {number % 5}", ("yes",), "test") for number in range(6)]
    queries += [Query("t1", "trained on", (), "train"), Query("t2", "not scored", (), "train"), Query("u", "none")]
    qrels = [Qrel(f"q{number}", PASSAGES[number], 1) for number in range(6)] + [Qrel("unknown", "p1", 2)]
    store.add_collection(queries, [Passage(name, "A title", f"text {name}") for name in PASSAGES], qrels)
    numbers = {"q0": 6, "q1": 2, "q3": 1, "q4": 5, "t1": 4, "u": 3}
    store.add_scored(
        [utility(name, PASSAGES[at], 1.5 - at) for name, number in numbers.items() for at in range(number)],
        "nats per token",
    )
    hits = [Hit("mine@test", f"q{number}", PASSAGES[at], at + 1, 0.5) for number in (0, 2, 5) for at in range(4)]
    store.add_run(run("mine", depth=3), hits)
    for query_id, passage_id, verdict in (
        ("q0", "p0", "useless"), ("q3", "p4", "useful"), ("q1", "p1", "unsure"), ("q5", "p1", "useful"),
    ):  # fmt: skip
        annotate(store, query_id, passage_id, verdict, "ada")
    annotate(store, "q0", "p0", "harmful", "bob", grade=1, tags=["a"])


@pytest.fixture
def filled(tmp_path: Path) -> Store:
    return copy_of(_filled, tmp_path / "filled")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(annotations, "CASES_AT_ONCE", 1)
    monkeypatch.setattr(scored, "PAIRS_AT_ONCE", 1)


def every_file(store: Store, folder: Path) -> dict[str, bytes]:
    """Write all kinds of export with all endings, and return the files' contents."""
    folder.mkdir()
    for kind, form in writable().items():
        for ending in form.endings or ("",):
            settings = replace(SETTINGS, split="test" if form.split else "", history=kind == "annotations")
            assert form.write is not None
            form.write(store, folder / f"{kind}{ending}", settings)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_file_is_the_same_in_however_many_parts_and_its_columns_have_their_types(
    filled: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    whole = every_file(filled, tmp_path / "whole")
    request.getfixturevalue("small_parts")
    assert every_file(filled, tmp_path / "parts") == whole
    assert len(list(training_parts(filled, replace(SETTINGS, split="test")))) == 1 + 4
    assert {name for name in whole if name.startswith("huggingface/data/")} == {
        f"huggingface/data/{split}-00000-of-00001.parquet" for split in ("train", "test", "unsplit")
    }
    for kind in ("argilla", "labelstudio"):
        tasks = json.loads(whole[f"{kind}.json"])
        assert len(tasks) == 14
        assert whole[f"{kind}.json"].decode() == json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"
    assert whole["quepid.csv"].decode("utf-8-sig").splitlines()[:2] == ["query,docid,rating", "question 1,p1,1"]
    assert len(whole["run"].splitlines()) == 9
    _check_columns(whole)


def _check_columns(files: dict[str, bytes]) -> None:
    expected = {
        "annotations": columns.ANNOTATIONS,
        "utilities": columns.UTILITIES,
        "triplets": columns.TRIPLETS,
        "pairs": columns.pair_columns(ids=False),
        "listwise": columns.list_columns(2, ids=False),  # q3 has one scored passage, and one that is judged
        "huggingface/data/test-00000-of-00001": columns.pair_columns(ids=True),
    }
    schemas = {name: pq.read_schema(io.BytesIO(files[f"{name}.parquet"])) for name in expected}
    assert schemas == expected
    assert files["annotations.csv"].decode("utf-8-sig").splitlines()[0].split(",") == columns.ANNOTATIONS.names


def test_a_column_has_its_type_though_its_first_values_are_missing() -> None:
    late = [{"query": None, "docid": "p", "rating": None}] * (AT_ONCE + 1) + [{"query": "q", "docid": "p", "rating": 2}]
    written = io.BytesIO()
    assert write_parquet(late, columns.RATINGS, written) == AT_ONCE + 2
    assert pq.read_table(written).to_pylist() == late


def test_rows_are_let_go_of_while_a_file_is_written(tmp_path: Path) -> None:
    class Row(dict[str, Any]):
        alive = most = 0

        def __init__(self, number: int) -> None:
            super().__init__(query="a query", docid=f"p{number}", rating=number)
            Row.alive += 1
            Row.most = max(Row.most, Row.alive)

        def __del__(self) -> None:
            Row.alive -= 1

    for form, write in WRITERS.items():
        with (tmp_path / form).open("wb") as file:
            assert write(map(Row, range(1_000)), columns.RATINGS, file) == 1_000
    assert write_tasks(map(Row, range(1_000)), tmp_path / "tasks.json") == 1_000
    assert Row.most <= 2 * AT_ONCE + 2
    assert pq.read_table(tmp_path / "parquet")["rating"] == pa.chunked_array([range(1_000)], pa.int64())


@pytest.mark.usefixtures("small_parts")
def test_the_workspace_is_read_part_by_part(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    record = seen_by(lambda _, statement: statements.append(statement), connection._using)
    monkeypatch.setattr(connection, "_using", record)
    streams: tuple[Iterator[object], ...] = (
        views.stream_queries(filled),
        views.stream_qrels(filled),
        views.stream_ratings(filled, "test"),
        views.stream_utilities(filled, "toy"),
        views.stream_rankings(filled, views.find_run(filled, "mine", "test")),
        views.annotated(filled),
    )
    for stream in streams:
        statements.clear()
        assert next(stream)
        assert sum("between $first" in statement for statement in statements) == 1
        assert list(stream)
        assert sum("between $first" in statement for statement in statements) > 1


def test_a_run_that_is_evaluated_anew_meanwhile_is_not_written(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changing(name: str, rankings: Any, path: Path) -> int:
        filled.add_run(run("mine", depth=2), [Hit("mine@test", "q0", "p1", 1, 0.5)])
        return len(list(rankings))

    monkeypatch.setattr(writers, "write_run", changing)
    with pytest.raises(Conflict, match="evaluated anew"):
        export(filled, "run", tmp_path / "out" / "x.run", student="mine")
    assert list((tmp_path / "out").iterdir()) == []
