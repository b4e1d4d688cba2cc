"""A small valid file of every format that is read, most of them as `export` writes it."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow as pa

from tests.conftest import run
from tests.steps.classes import topics
from tests.workspaces import copy_of
from workbench.formats.writing.rows import file_content
from workbench.records import Annotation, Hit
from workbench.steps.data.export import export
from workbench.steps.data.readers import IngestSettings
from workbench.store import Store

ROWS: list[dict[str, Any]] = [
    {"query_id": f"t{number}", "query": f"Who is {number}?", "answers": ["him", "her"], "passage_id": f"tp{number}",
     "title": "Them", "passage": f"It is “{number}”.", "relevance": number % 2, "split": "train", "tags": ["a"]}
    for number in range(4)
]  # fmt: skip
EXPORTED = {
    "beir": "folder", "qrels": "a.qrels", "run": "a.run", "annotations": "annotations.csv",
    "utilities": "utilities.jsonl", "pairs": "pairs.jsonl", "listwise": "lists.parquet",
    "flagembedding": "flag.jsonl", "huggingface": "hub",
    "quepid": "ratings.csv",
}  # fmt: skip

LABELLED = ("argilla", "labelstudio")
TABLES = ("table.jsonl", "table.jsonl.gz", "table.csv", "table.tsv", "table.parquet")
# The names of the samples, known before they are made.
NAMES = (
    *(f"{kind} {place}" for kind, place in EXPORTED.items()),
    *(f"{kind} tasks.json" for kind in LABELLED),
    *(f"table {name}" for name in TABLES),
)


class Sample(NamedTuple):
    """The files of a format by their names; a folder's have its name before theirs."""

    kind: str
    name: str
    files: dict[str, bytes]
    settings: IngestSettings

    def write(self, folder: Path) -> Path:
        """Write the files, and return what `ingest` is given."""
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder / self.name


def judged(store: Store) -> None:
    """Fill a store with a collection that a teacher has scored, a run and two verdicts."""
    topics(store)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    store.add_annotations(
        [
            Annotation("test0", "p0-0", "ada", "useful", "why", "rule", moment, 2, ("a",)),
            Annotation("train1", "p3-0", "bob", "harmful", "", "", moment),
        ]
    )
    ranked = [(f"test{topic}", f"p{topic}-{rank - 1}", rank) for topic in range(3) for rank in (1, 2, 3)]
    store.add_run(run("before", depth=3), [Hit("before@test", *row, 1 - row[2] / 8) for row in ranked])


@cache
def samples() -> dict[str, Sample]:
    """Return a sample of each format, and of each form of a table, by a name of its own."""
    return {
        f"{sample.kind} {sample.name}": sample for sample in (*_exported(), *_labelled(), *_tables())
    }  # fmt: skip


def _exported() -> Iterator[Sample]:
    settings = IngestSettings(teacher="imported:trial", annotator="ada")
    with TemporaryDirectory(prefix="samples-") as name:
        folder = Path(name)
        store = copy_of(judged, folder / "ws")
        for kind, place in EXPORTED.items():
            chosen: dict[str, Any] = {"student": "before"} if kind == "run" else {}
            if kind in ("pairs", "listwise", "flagembedding"):
                chosen = {"teacher": "toy", "split": "train"}
            path = Path(export(store, kind, folder / kind / place, **chosen).path)
            found = sorted(path.rglob("*")) if path.is_dir() else [path]
            files = {str(file.relative_to(folder / kind)): file.read_bytes() for file in found if file.is_file()}
            if kind == "huggingface":  # its card is for people
                files = {name: content for name, content in files.items() if name.endswith(".parquet")}
            yield Sample(kind, place, files, settings)


def _labelled() -> Iterator[Sample]:
    pair = {"query_id": "test1", "passage_id": "p1-0"}
    response = {"user_id": "ada", "value": "useful"}
    note = {"user_id": "ada", "value": "why"}
    values = {"verdict": {"choices": ["useless"]}, "note": {"text": ["x"]}}
    result = [{"from_name": name, "value": value} for name, value in values.items()]
    annotation = {"completed_by": {"email": "bob"}, "result": result, "created_at": "2026-01-01T00:00:00Z"}
    documents = (
        [{"metadata": pair, "responses": {"verdict": [response], "note": [note]}}] * 3,
        [{"data": pair, "annotations": [annotation]}] * 3,
    )
    for kind, document in zip(LABELLED, documents, strict=True):
        yield Sample(kind, "tasks.json", {"tasks.json": json.dumps(document).encode()}, IngestSettings())


def _tables() -> Iterator[Sample]:
    flat = [{name: json.dumps(cell) if isinstance(cell, list) else cell for name, cell in row.items()} for row in ROWS]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
    parquet = file_content(ROWS, pa.Table.from_pylist(ROWS).schema, "parquet")
    packed, separated = gzip.compress(lines, mtime=0), [_separated(flat, mark) for mark in ",\t"]
    for name, content in zip(TABLES, (lines, packed, *separated, parquet), strict=True):
        yield Sample("table", name, {name: content}, IngestSettings())


def _separated(rows: list[dict[str, Any]], delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
