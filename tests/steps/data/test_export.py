"""Export: files that other programs read, whole or not at all, each with its origin beside it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import BadSetting, NothingToDo, UnknownName, WorkbenchError
from workbench.records import Hit, Passage, Qrel, Query
from workbench.steps.annotate.annotate import annotate
from workbench.steps.compare.evaluate import measured
from workbench.steps.data import export as step
from workbench.steps.data.export import export
from workbench.store import Store, views

FORMULA = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture
def plain(tmp_path: Path) -> Store:
    """Return a workspace whose ids a TREC file can hold, with a run that has ties and a query without an answer."""
    from tests.conftest import run

    store = Store(tmp_path / "plain", create=True)
    names = [f"p{number}" for number in range(6)]
    queries = [Query(f"q{number}", f"question {number}", (), "test") for number in range(4)]
    qrels = [Qrel("q0", "p0", 1), Qrel("q0", "p1", 2), Qrel("q1", "p5", 1), Qrel("q1", "p4", 0), Qrel("q2", "p3", 1)]
    store.add_collection(queries, [Passage(name, "", f"text {name}") for name in names], qrels)
    values = {"q0": [9, 7, 7, 7, 1, 0.5], "q1": [3, 3, 3, 3, 3, 3], "q3": [1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001]}
    hits = [
        Hit("mine@test", query_id, name, rank, value)
        for query_id, similarities in values.items()
        for rank, (name, value) in enumerate(zip(names, similarities, strict=True), start=1)
    ]
    store.add_run(run("mine", depth=5), hits)
    return store


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_exported_run_scores_in_ir_measures_as_it_does_here(plain: Store, tmp_path: Path) -> None:
    files = [
        export(plain, kind, tmp_path / "out" / kind, student="mine" if kind == "run" else "").path
        for kind in ("qrels", "run")
    ]
    ours = measured(plain, views.find_run(plain, "mine", "test")).measures
    command = [sys.executable, "-m", "ir_measures", *files, " ".join(ours), "--places", "6"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = {name: float(value) for name, value in (line.split("\t") for line in printed.splitlines())}
    assert theirs == pytest.approx({name: value.mean for name, value in ours.items()}, abs=5e-5)
    assert 0 < theirs["nDCG@10"] < 1


def test_a_run_ends_at_its_depth(plain: Store, tmp_path: Path) -> None:
    made = export(plain, "run", tmp_path / "out.run", student="mine")
    assert made.rows == len(Path(made.path).read_text("utf-8").splitlines()) == 15


def test_annotations_come_as_jsonl_with_all_that_stands_behind_them(store: Store, tmp_path: Path) -> None:
    annotate(store, "q1", "p/1", "useless", "ada")
    annotate(store, "q1", "p/1", "useful", "ada", note="it says so", rule="got worse")
    made = export(store, "annotations", tmp_path / "new folder" / "cases.jsonl")
    (case,) = [json.loads(line) for line in Path(made.path).read_text("utf-8").splitlines()]
    assert case == {
        "query_id": "q1",
        "query": "What raised the price of oil?",
        "answers": ["the embargo", "embargo"],
        "query_tags": [],
        "split": "test",
        "passage_id": "p/1",
        "title": "Oil",
        "text": "The embargo of 1973 raised the price of oil.",
        "verdict": "useful",
        "annotator": "ada",
        "note": "it says so",
        "rule": "got worse",
        "created": views.verdicts(store)[-1].created.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "relevance": 1,
        "utilities": {"toy": 2.0},
        "ranks": {"before": 3, "after": 1},
        "grade": None,
        "tags": [],
        "flagged": False,
    }


def test_a_manifest_says_where_a_file_came_from(store: Store, tmp_path: Path) -> None:
    annotate(store, "q1", "p/1", "useful")
    made = export(store, "annotations", tmp_path / "cases.csv")
    said: dict[str, Any] = json.loads(Path(made.manifest).read_text("utf-8"))
    assert Path(made.manifest).name == "cases.csv.manifest.json"
    assert (said["kind"], said["path"], said["rows"], said["filters"]) == (
        "annotations",
        made.path,
        1,
        {"history": False},
    )
    assert (said["teachers"], said["students"]) == (["toy"], ["after", "before"])
    assert said["units"] == {"toy": "nats per token"}
    assert said["collection"] == views.collection_fingerprint(store)
    assert {"duckdb", "torch", "sentence-transformers"} <= said["versions"].keys()
    assert "licence" in said["licence"]
    assert said["created"].endswith("+00:00")


def test_a_manifest_names_the_run_and_split(plain: Store, tmp_path: Path) -> None:
    made = export(plain, "run", tmp_path / "x.run", student="mine")
    assert made.filters == {"student": "mine", "split": "test"}
    assert export(plain, "qrels", tmp_path / "x.qrels").filters == {"split": "test"}


def test_no_cell_of_a_csv_is_a_formula(empty: Store, tmp_path: Path) -> None:
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]
    empty.add_collection(
        [Query(f"={text}", text, (text,), "test") for text in evil], [Passage(f"@{text}", text, text) for text in evil]
    )
    for text in evil:
        annotate(empty, f"={text}", f"@{text}", "harmful", text, note="=cmd|' /C calc'!A0")
    made = export(empty, "annotations", tmp_path / "cases.csv")
    assert Path(made.path).read_bytes().startswith(b"\xef\xbb\xbf")
    with Path(made.path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [cell for row in rows for cell in row.values()]
    assert len(rows) == len(evil)
    assert not [cell for cell in cells if cell.startswith(FORMULA)]
    assert {row["title"] for row in rows} == {f"'{text}" for text in evil}


def test_nothing_is_left_half_written_when_an_id_cannot_be_said(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "before.run").write_text("what was there\n")
    with pytest.raises(BadSetting, match="holds a space"):
        export(store, "run", folder / "before.run", student="before")
    assert left_in(folder) == ["before.run"]
    assert (folder / "before.run").read_text() == "what was there\n"


def test_no_file_comes_without_its_manifest(plain: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, "_manifest", broken)
    with pytest.raises(WorkbenchError, match="the disk is full"):
        export(plain, "qrels", tmp_path / "out" / "x.qrels")
    assert left_in(tmp_path / "out") == []


def test_a_place_that_cannot_be_written_is_said_in_a_sentence(plain: Store, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("x")
    (tmp_path / "a folder").mkdir()
    for target in (tmp_path / "a file" / "x.qrels", tmp_path / "a folder"):
        with pytest.raises(WorkbenchError, match="cannot be written"):
            export(plain, "qrels", target)
    assert left_in(tmp_path) == ["a file", "a folder", "plain"]


def test_what_cannot_be_exported_says_why(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="Nothing is annotated"):
        export(store, "annotations", tmp_path / "cases.csv")
    annotate(store, "q1", "p/1", "useful")
    for name, ending in (("cases.xlsx", ".xlsx"), ("cases", "")):
        with pytest.raises(BadSetting, match=rf"written as '{ending}'"):
            export(store, "annotations", tmp_path / name)
    with pytest.raises(UnknownName, match="qrels, run, annotations"):
        export(store, "everything", tmp_path / "x")
    with pytest.raises(NothingToDo, match="nobody"):
        export(store, "run", tmp_path / "x.run", student="nobody")
    assert left_in(tmp_path) == ["a workspace"]
