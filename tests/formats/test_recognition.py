"""The format of a file is recognised from its beginning."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.formats.recognition import HEAD, read_head
from workbench.steps.annotate.annotate import annotate
from workbench.steps.data.export import export
from workbench.steps.data.formats import FORMATS, recognised
from workbench.store import Store

NAMES = {
    "beir": "folder", "huggingface": "data set", "quepid": "ratings.csv",
    "argilla": "records.json", "labelstudio": "tasks.json",
}  # fmt: skip
SETTINGS = {"listwise": {"passages": 2}}
SPACELESS = ("run", "qrels")  # the toy's ids hold spaces


@pytest.mark.parametrize(
    "kind", [name for name, form in FORMATS.items() if form.read and form.write and name not in SPACELESS]
)
def test_what_an_export_wrote_is_recognised(store: Store, tmp_path: Path, kind: str) -> None:
    annotate(store, "q1", "03", "useful", "Ada")
    path = tmp_path / NAMES.get(kind, f"rows.{'jsonl' if kind == 'flagembedding' else 'parquet'}")
    scored = {"teacher": "toy"} if "teacher" in FORMATS[kind].settings else {}
    split = {"split": "test"} if FORMATS[kind].split == "train" or kind in ("argilla", "labelstudio") else {}
    export(store, kind, path, **scored, **split, **SETTINGS.get(kind, {}))
    if kind == "argilla":  # what comes back has responses
        path.write_text(json.dumps([{**record, "responses": {}} for record in json.loads(path.read_text())]))
    if kind == "labelstudio":
        path.write_text(json.dumps([{**task, "annotations": []} for task in json.loads(path.read_text())]))
    assert recognised(read_head(path)) == kind


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("q.csv", "question,context,topic\nwhat?,this,oil\n", "table"),
        ("q.tsv", "query-id\tcorpus-id\tscore\nq 1\tp 1\t1\n", "qrels"),
        ("q.tsv", "query\tpassage\trelevance\na\tb\t1\n", "table"),
        ("q.jsonl", '{"frage": "was?"}\n{"frage": "wer?", "text": "er"}\n', "table"),
        ("scored.csv", "query,passage,score\na,b,0.5\n", "pairs"),
        ("judged.csv", "query,passage,score,answers\na,b,0.5,c\n", "table"),
        ("qrels", "q1 0 p1 1\n", "qrels"),
        ("a.run", "\nq1 Q0 p1 1 0.5 tag\n", "run"),
        ("notes.txt", "These are some notes\n", ""),
        ("empty.csv", "", ""),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_foreign_files(tmp_path: Path, name: str, text: str, kind: str, packed: bool) -> None:
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert recognised(read_head(path)) == kind


def test_only_the_beginning_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text('{"query": "a"}\n' * HEAD + '{"late": 1}\n')
    head = read_head(path)
    assert (head.columns, len(head.text)) == (("query",), HEAD)


def test_a_file_that_is_not_there_or_is_damaged_is_reported(tmp_path: Path) -> None:
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"query,passage\n" * 100)[:30])
    (tmp_path / "no.parquet").write_bytes(b"no")
    for name in ("nothing.csv", "cut.csv.gz", "no.parquet"):
        with pytest.raises(BadInput):
            read_head(tmp_path / name)
