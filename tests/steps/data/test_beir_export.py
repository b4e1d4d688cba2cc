"""A workspace's collection as a BEIR folder: what goes out comes back, table by table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from tests.conftest import nothing
from tests.formats.test_beir import collections
from tests.profiles import examples
from tests.workspaces import copy_of
from workbench.errors import NothingToDo, WorkbenchError
from workbench.records import Passage, Qrel, Query
from workbench.steps.data.export import export
from workbench.steps.data.ingest import ingest
from workbench.store import Added, Store

QUERIES = [
    Query("-q 1", "  what\tis it?\u2028", ("the sea", "-1"), "train", ("a|b", "people")),
    Query('"q"\t2', "“who”\r\nwhy", (), "test"),
    Query("без", "kein Qrel, doch ein Split", ("ja",), "dev"),
    Query("none", "neither qrel nor split"),
    Query("q5", "judged, without a split"),
    Query("007", "", ("known by id, yet answered",), "test", ("odd",)),
]
PASSAGES = [
    Passage("p\t1", "", "no title"),
    Passage("-p/2", "a title alone", ""),
    Passage("ü 3", "'=Title", "text\nin lines\t"),
]
QRELS = [
    Qrel("-q 1", "p\t1", 1), Qrel("-q 1", "ü 3", 0), Qrel('"q"\t2', "no text", 3), Qrel("q5", "-p/2", -1),
    Qrel("007", "p\t1", 2), Qrel("stranger", '"no" text', 1),
]  # fmt: skip


def tables(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.read() as connection:
        return {
            name: sorted(connection.execute(f"select * from {name}").fetchall(), key=repr)
            for name in ("queries", "passages", "qrels", "candidates", "utilities", "hits")
        }


def workspace(folder: Path, *rows: list) -> Store:
    store = copy_of(nothing, folder)
    store.add_collection(*rows)
    return store


def test_an_exported_collection_comes_back_equal(tmp_path: Path) -> None:
    here, there = workspace(tmp_path / "here", QUERIES, PASSAGES, QRELS), Store(tmp_path / "there", create=True)
    done = export(here, "beir", tmp_path / "beir")
    assert done.counts == {
        "rows": 16, "queries": 7, "passages": 3, "qrels": 6, "passages_known_by_id_only_left_out": 2,
    }  # fmt: skip
    assert {file.name for file in (tmp_path / "beir" / "qrels").iterdir()} == {"train.tsv", "test.tsv", "all.tsv"}
    ingest(there, "beir", tmp_path / "beir")
    assert tables(there) == tables(here)
    assert ingest(here, "beir", tmp_path / "beir").added == Added(unchanged=16, without_text=3)
    corpus = [json.loads(line) for line in (tmp_path / "beir" / "corpus.jsonl").read_text("utf-8").splitlines()]
    assert all(row["title"] or row["text"] for row in corpus)


@examples(20)
@given(rows=collections())
def test_any_collection_comes_back_equal(
    rows: tuple[list[Query], list[Passage], list[Qrel]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    here, there = workspace(folder / "here", *rows), copy_of(nothing, folder / "there")
    if not rows[0] and not rows[1]:
        with pytest.raises(NothingToDo, match="no collection"):
            export(here, "beir", folder / "beir")
        return
    export(here, "beir", folder / "beir")
    ingest(there, "beir", folder / "beir")
    assert tables(there) == tables(here)


def test_it_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    here = workspace(tmp_path / "here", QUERIES, PASSAGES, [*QRELS, Qrel("q5", "line\nend", 1)])
    with pytest.raises(WorkbenchError, match="line end"):
        export(here, "beir", tmp_path / "beir")
    assert {path.name for path in tmp_path.iterdir()} == {"here"}
