"""Search by blocks of passages gives the hits of search at once, ties and all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from workbench import students
from workbench.engines import engine
from workbench.records import Passage, Progress
from workbench.retrieval import stored_vectors
from workbench.retrieval.dense import DenseRetriever
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.ranking import Collection
from workbench.students import Student

TEXTS = ("the sea is salt", "oil", "rivers run to the sea", "oil price", "the price of oil")
# Every text twice or more often, so that the order of ties is asked for, across blocks.
PASSAGES = [Passage(f"-ü {number % 7} {number}", "", f"{TEXTS[number % 5]} {number % 9}") for number in range(40)]
COLLECTION = Collection.of(PASSAGES)
QUERIES = ["what raised the price of oil", "sea", "a river of salt"]


@pytest.mark.parametrize("depth", [1, 7, 60])
def test_the_best_of_all_blocks_are_the_best_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    student = students.save(tiny.static(), Student("tiny", tmp_path / "students" / "tiny"))
    expected = DenseRetriever(Encoder(student, tmp_path / "vectors"), COLLECTION, kind="flat").search(QUERIES, depth)
    monkeypatch.setattr(stored_vectors, "ROWS_AT_ONCE", 8)
    shards = engine("local", shards=str(tmp_path / "shards"), rows=6)
    steps: list[Progress] = []
    encoder = Encoder(student, tmp_path / "elsewhere" / "vectors", engine=shards)
    retriever = DenseRetriever(encoder, COLLECTION, kind="flat", engine=shards)
    nearest = retriever.search(QUERIES, depth, steps.append)
    np.testing.assert_array_equal(nearest.rows, expected.rows)
    np.testing.assert_array_equal(nearest.similarities, expected.similarities)
    assert max(at.done for at in steps if at.step == "search") > 2, "several blocks were searched"
    assert not [*(tmp_path / "shards").rglob("*.parquet")]
