"""Exports of Argilla and Label Studio that are damaged, or of another shape, are refused with their file and record."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import BadInput
from workbench.formats.labelling import read_labelled
from workbench.formats.parsing.lookup import Lookup
from workbench.records import Passage, Query

KNOWN = Lookup([Query("q", "Who?")], ["p"], lambda: [Passage("p", "", "x")])
PAIR = {"query_id": "q", "passage_id": "p"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["argilla", "labelstudio"])
@pytest.mark.parametrize("length", [2, 12, -5])
def test_damaged_gzip_is_named(tmp_path: Path, kind: str, length: int) -> None:
    file = tmp_path / "in.json"
    file.write_bytes(gzip.compress(json.dumps([{"data": {"query_id": "q" * 400}}]).encode())[:length])
    with pytest.raises(BadInput, match=r"in\.json: the file is damaged or ends early"):
        read_labelled(kind, file, KNOWN, "ada", NOW)


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("labelstudio", {"annotations": [{"result": [{"from_name": "verdict", "value": {"choices": {"a": 1}}}]}]}),
        ("labelstudio", {"annotations": [{"result": [{"from_name": ["verdict"], "value": 1}]}]}),
        ("labelstudio", {"annotations": [7]}),
        ("argilla", {"responses": {"verdict": [{"user_id": [1], "value": "useful"}], "note": [{"user_id": [1]}]}}),
        ("argilla", {"responses": {"verdict": 7}}),
        ("argilla", {"responses": {"verdict": [{"value": "useful", "user_id": " "}]}, "metadata": PAIR}),
    ],
)
def test_a_record_of_another_shape_is_a_problem_with_its_number(tmp_path: Path, kind: str, record: Any) -> None:
    file = tmp_path / "in.json"
    file.write_text(json.dumps([record]), encoding="utf-8")
    rows, (problem,) = read_labelled(kind, file, KNOWN, "", NOW)
    assert (rows, problem.line) == ((), 1)
