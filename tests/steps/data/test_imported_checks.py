"""What comes in a file is checked as what is written by hand: a line with it is named, and nothing is kept of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.steps.data.ingest import ingest
from workbench.steps.data.readers import IngestSettings
from workbench.store import Store, views

SOUND = {"query_id": "q1", "passage_id": "ü", "annotator": "ada", "verdict": "useful", "grade": "2", "tags": ""}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"grade": "9"}, "grade must be one of 0, 1, 2, 3, not '9'"),
        ({"grade": "-1"}, "grade must be at least 0, not"),
        ({"grade": "٢"}, "grade must be a finite number"),
        ({"grade": "1" + "0" * 400}, "grade must be a finite number"),
        ({"grade": str(2**40)}, "grade must be a whole number"),
        ({"annotator": ""}, "annotator is empty"),
        ({"annotator": " \t"}, "annotator is empty"),
        ({"verdict": "splendid"}, "verdict must be one of"),
        ({"tags": '["' + "x" * 61 + '"]'}, "a tag has at most 60 letters"),
        ({"created": "0001-01-01T00:00:00+14:00"}, "created must be a date"),
        ({"created": "9999-12-31T23:59:59-12:00"}, "created must be a date"),
        ({"created": "9999-12-31T23:59:59Z"}, "created must be a date from 1970 to 2199"),
    ],
)
def test_an_annotation_that_the_verb_would_refuse(store: Store, changes: dict[str, str], problem: str) -> None:
    row = SOUND | changes
    file = store.path / "in.csv"
    cells = ('"' + cell.replace('"', '""') + '"' for cell in row.values())
    file.write_text(f"{','.join(row)}\n{','.join(cells)}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=f"line 2: {problem}"):
        ingest(store, "annotations", file)
    assert views.verdicts(store) == []


def test_a_row_without_an_annotator_is_of_the_one_who_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("query_id,passage_id,verdict\nq1,ü,useful\n", encoding="utf-8")
    ingest(store, "annotations", tmp_path / "in.csv", IngestSettings(annotator="ada"))
    assert [row.annotator for row in views.verdicts(store)] == ["ada"]


@pytest.mark.parametrize("number", ["١٢", "1_0", "１", "nan"])
def test_numbers_are_spelled_in_ascii(store: Store, tmp_path: Path, number: str) -> None:
    (tmp_path / "a.trec").write_text(f"q1 Q0 p/1 1 {number} mine\n", encoding="utf-8")
    with pytest.raises(BadInput, match="line 1: similarity must be"):
        ingest(store, "run", tmp_path / "a.trec")
    (tmp_path / "u.csv").write_text(f"query_id,passage_id,value\nq1,p/1,{number}\n", encoding="utf-8")
    with pytest.raises(BadInput, match="line 2: value must be a finite number"):
        ingest(store, "utilities", tmp_path / "u.csv", IngestSettings(teacher="theirs"))
