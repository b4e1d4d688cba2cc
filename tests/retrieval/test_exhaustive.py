"""An exhaustive search ranks as sorting everything does."""

from __future__ import annotations

import numpy as np
import pytest

from tests import tiny
from workbench import students
from workbench.errors import BadSetting, NothingToDo
from workbench.records import Passage, Progress
from workbench.retrieval.exhaustive import ExhaustiveRetriever
from workbench.retrieval.ranking import Collection, Retriever
from workbench.students import Student, architectures

# More than are encoded at a time, of which many have the same text.
PASSAGES = tuple(
    Passage(f"{number:03d}", "", f"{tiny.WORDS[number % 17]} {tiny.WORDS[number % 11]} {tiny.WORDS[number % 13]}")
    for number in range(400)
)
QUERIES = ["what is oil", "where do the rivers run to", "salt"]


@pytest.fixture(scope="module", params=["sparse", "multi"])
def student(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Student:
    folder = tmp_path_factory.mktemp("students")
    return students.find(f"{request.param}:{tiny.bert(folder / 'bert', masked=True)}", folder)


def _by_hand(student: Student) -> tuple[np.ndarray, list[list[int]]]:
    """Return similarities (q, n) and each query's rows, best first: two stable sorts, by id and by similarity."""
    model = students.load(student, device="cpu")
    theirs = model.similarity(model.encode_query(QUERIES), model.encode_document([p.content for p in PASSAGES]))
    similarities = (theirs.to_dense() if theirs.is_sparse else theirs).double().numpy().round(5)
    by_id = sorted(range(len(PASSAGES)), key=lambda row: PASSAGES[row].passage_id, reverse=True)
    return similarities, [sorted(by_id, key=lambda row: -line[row]) for line in similarities]


def test_search_and_place_agree_with_sorting_everything(student: Student) -> None:
    ranker: Retriever = ExhaustiveRetriever(student, Collection.of(PASSAGES))
    heard: list[Progress] = []
    nearest = ranker.search(QUERIES, 7, heard.append)
    placed = ranker.place(QUERIES, [range(len(PASSAGES))] * len(QUERIES))
    similarities, orders = _by_hand(student)
    for at, order in enumerate(orders):
        np.testing.assert_allclose(placed[at].similarities, similarities[at], atol=2e-5)
        np.testing.assert_allclose(nearest.similarities[at], similarities[at][order[:7]], atol=2e-5)
        assert list(nearest.rows[at]) == list(np.argsort(placed[at].ranks)[:7])
        assert sorted(placed[at].ranks) == list(range(1, len(PASSAGES) + 1))
        # Equal texts stand together, the highest id first.
        for row, passage in enumerate(PASSAGES):
            same = [other for other in range(row) if PASSAGES[other].content == passage.content]
            assert all(placed[at].ranks[other] > placed[at].ranks[row] for other in same)
    (few,) = ranker.place(QUERIES[:1], [[3, 0]])
    assert list(few.ranks) == [placed[0].ranks[3], placed[0].ranks[0]]
    assert (heard[0].step, heard[-1].step, heard[-1].done) == ("encode", "search", len(QUERIES))


def test_a_collection_shorter_than_the_depth_leaves_places_empty(student: Student) -> None:
    nearest = ExhaustiveRetriever(student, Collection.of(PASSAGES[:2])).search(["salt"], 4)
    assert list(nearest.rows[0][2:]) == [-1, -1]
    assert np.isinf(nearest.similarities[0][2:]).all()


def test_what_cannot_be_searched_is_refused(student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NothingToDo):
        ExhaustiveRetriever(student, Collection.of(()))
    with pytest.raises(BadSetting, match="depth"):
        ExhaustiveRetriever(student, Collection.of(PASSAGES[:1])).search(QUERIES, 0)
    small = architectures.MULTI_VECTOR._replace(most=3)
    monkeypatch.setattr(architectures, "architecture", lambda _: small)
    with pytest.raises(BadSetting, match="up to 3 passages; these are 4"):
        ExhaustiveRetriever(student, Collection.of(PASSAGES[:4]))
