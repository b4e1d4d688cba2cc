"""Rows of any shape, with the names that a reader looks for: they are read, or named as problems; nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from tests.trials.samples import judged
from tests.workspaces import copy_of
from workbench.errors import BadInput
from workbench.steps.data.preview import preview
from workbench.steps.data.readers import IngestSettings
from workbench.store import Store

IDS = ("test0", "p0-0", "nobody", "", " test0", "TEST0")
NAMES: dict[str, tuple[str, ...]] = {
    "annotations": (
        "query_id", "passage_id", "annotator", "verdict", "note", "rule", "created", "grade", "tags", "flagged",
    ),
    "utilities": ("query_id", "passage_id", "teacher", "value", "unit", "answers", "truncated"),
    "pairs": ("query", "passage", "score", "query_id", "passage_id"),
    "listwise": ("query", "passage_1", "passage_2", "scores", "query_id", "passage_ids"),
    "flagembedding": ("query", "pos", "neg", "pos_scores", "neg_scores"),
    "argilla": ("metadata", "responses", "verdict", "note", "user_id", "value", "query_id", "passage_id"),
    "labelstudio": (
        "data", "annotations", "completed_by", "result", "from_name", "value", "choices", "text", "created_at",
        "was_cancelled", "query_id", "passage_id",
    ),
    "table": (
        "query", "passage", "passages", "query_id", "answers", "split", "tags", "title", "passage_id", "relevance",
    ),
}  # fmt: skip
SETTINGS = IngestSettings(teacher="imported:trial", annotator="ada")

plain = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
    | st.sampled_from([*IDS, "useful", "verdict", "note", "ada", "train", "2026-01-01", "0001-01-01T00:00:00+14:00"])
)  # fmt: skip


def rows(names: tuple[str, ...]) -> st.SearchStrategy[list[Any]]:
    """Return lists of JSON values, most of them objects that have some of these names."""

    def deeper(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(values, max_size=3) | st.dictionaries(
            st.sampled_from(names) | st.text(max_size=3), values, max_size=6
        )

    values = st.recursive(plain, deeper, max_leaves=8)
    return st.lists(
        st.dictionaries(st.sampled_from(names), values, max_size=len(names)) | values, min_size=1, max_size=4
    )


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return copy_of(judged, tmp_path_factory.mktemp("rows") / "ws")


@pytest.mark.parametrize("kind", NAMES)
@examples(60)
@given(data=st.data())
def test_rows_of_any_shape_are_read_or_named(
    kind: str, data: st.DataObject, known: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    listed = data.draw(rows(NAMES[kind]))
    whole = kind in ("argilla", "labelstudio")
    path: Path = tmp_path_factory.mktemp("any") / ("any.json" if whole else "any.jsonl")
    path.write_text(json.dumps(listed) if whole else "\n".join(map(json.dumps, listed)), encoding="utf-8")
    try:
        previewed = preview(kind, path, SETTINGS, store=known)
    except BadInput as error:
        assert error.file == str(path)
    else:
        assert all(problem.file == str(path) and problem.line > 0 and problem.what for problem in previewed.problems)
