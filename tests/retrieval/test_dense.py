"""Search is exact, and its order does not depend on the machine."""

from __future__ import annotations

from collections.abc import Sequence

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from workbench.errors import BadSetting, Conflict, NothingToDo
from workbench.records import Listener, Passage, silent
from workbench.retrieval.dense import DenseRetriever
from workbench.retrieval.encode_work import Texts
from workbench.retrieval.index import exact
from workbench.retrieval.index.exact import Index
from workbench.retrieval.ranking import Collection, PassageIds


def _unit(rows: Sequence[Sequence[float]]) -> np.ndarray:
    vectors = np.asarray(rows, np.float64)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


# A coarse grid, so that equal vectors and equal similarities abound.
vector = st.lists(st.integers(-2, 2), min_size=3, max_size=3).filter(any)


def _by_hand(passages: np.ndarray, ids: list[str], query: np.ndarray) -> list[int]:
    similarities = [round(float(row.astype(np.float64) @ query.astype(np.float64)), 6) for row in passages]
    # Two stable sorts: by id descending, then by similarity descending.
    return sorted(sorted(range(len(ids)), key=lambda row: ids[row], reverse=True), key=lambda row: -similarities[row])


@examples(60)
@given(st.data())
def test_search_and_place_agree_with_sorting_everything(data: st.DataObject) -> None:
    passages = _unit(data.draw(st.lists(vector, min_size=1, max_size=60)))
    queries = _unit(data.draw(st.lists(vector, min_size=1, max_size=3)))
    ids = [str(number) for number in data.draw(st.permutations(range(len(passages))))]
    k = data.draw(st.integers(1, 8))
    index = Index(passages, ids)
    nearest = index.search(queries, k)
    placed = index.place(queries, [range(len(ids))] * len(queries))
    for at, query in enumerate(queries):
        expected = _by_hand(passages, ids, query)
        hits = [row for row in nearest.rows[at] if row >= 0]
        assert hits == expected[:k]
        assert list(np.argsort(placed[at].ranks)) == expected
        assert sorted(placed[at].ranks) == list(range(1, len(ids) + 1))
        np.testing.assert_array_equal(nearest.similarities[at, : len(hits)], placed[at].similarities[hits])
        np.testing.assert_array_equal(
            index.similarities(queries[at : at + 1], [hits])[0], placed[at].similarities[hits]
        )


def test_a_tie_across_the_whole_collection_ends_with_the_highest_ids() -> None:
    ids = [f"{number:03d}" for number in np.random.default_rng(0).permutation(300)]
    nearest = Index(_unit([[1, 2]] * 300), ids).search(_unit([[2, 1]]), 3)
    assert [ids[row] for row in nearest.rows[0]] == ["299", "298", "297"]


def test_many_chunks_rank_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    index = Index(_unit(draw.normal(size=(50, 4))), [str(number) for number in range(50)])
    queries = _unit(draw.normal(size=(3, 4)))
    rows = [[0, 7], [], [49]]
    whole = index.place(queries, rows)
    nearest = index.search(queries, 3)
    monkeypatch.setattr("workbench.retrieval.stored_vectors.ROWS_AT_ONCE", 7)
    monkeypatch.setattr("workbench.retrieval.index.exact.NUMBERS_AT_ONCE", 2 * exact.ROWS_AT_ONCE)
    monkeypatch.setattr("workbench.retrieval.index.exact.HELD_BYTES", 0)
    for one, other in zip(whole, index.place(queries, rows), strict=True):
        np.testing.assert_array_equal(one.ranks, other.ranks)
    assert [len(one.ranks) for one in whole] == [2, 0, 1]
    for one, other in zip(nearest, index.search(queries, 3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_order_of_ties_is_trec_evals() -> None:
    ids = ["9", "10", "é", "a", "B"]
    nearest = Index(_unit([[1, 0]] * 5), ids).search(_unit([[1, 0]]), 5)
    run = [ir_measures.ScoredDoc("q", id_, 1.0) for id_ in ids]
    for rank, row in enumerate(nearest.rows[0], start=1):
        relevant = [ir_measures.Qrel("q", ids[row], 1)]
        assert ir_measures.calc_aggregate([ir_measures.RR], relevant, run)[ir_measures.RR] == pytest.approx(1 / rank)


def test_fewer_passages_than_asked_for() -> None:
    nearest = Index(_unit([[1, 0], [0, 1]]), ["a", "b"]).search(_unit([[1, 0]]), 4)
    assert nearest.rows.tolist() == [[0, 1, -1, -1]]
    assert nearest.similarities.tolist() == [[1.0, 0.0, -np.inf, -np.inf]]


def test_refuses_what_cannot_be_searched() -> None:
    with pytest.raises(NothingToDo, match="no passages"):
        Index(np.empty((0, 2), np.float32), [])
    with pytest.raises(BadSetting, match="2 vectors"):
        Index(_unit([[1, 0], [0, 1]]), ["a"])
    with pytest.raises(BadSetting, match="depth"):
        Index(_unit([[1, 0]]), ["a"]).search(_unit([[1, 0]]), 0)


def test_a_collection_is_that_of_its_ids() -> None:
    passages = [Passage(passage_id, "", f"text {passage_id}") for passage_id in ("b", "ü", "-a", "B")]
    ids = PassageIds([passage.passage_id for passage in passages])
    assert (ids[1], ids[2:], ids.of([3, 0]), ids.rows(["-a", "zz"]).tolist()) == ("ü", ["-a", "B"], ["B", "b"], [2, -1])
    assert ids.rows([]).tolist() == []
    since = [passages[:3], [passages[3], Passage("new", "", "since then")]]
    texts = [passage.content for passage in passages]
    assert [text for part in Collection(ids, lambda: since).texts() for text in part] == texts
    for changed in (passages[:3], [passages[1], *passages[1:]]):
        with pytest.raises(Conflict, match="while they were read"):
            list(Collection(ids, lambda changed=changed: [changed]).texts())


class _Encoder:
    """Turns north, east and northeast into directions."""

    name = "compass"
    directions = {"north": (0, 1), "east": (1, 0), "northeast": (1, 1)}  # noqa: RUF012

    def __init__(self) -> None:
        self.read: list[str] = []

    def queries(self, texts: Sequence[str], listen: Listener = silent) -> np.ndarray:
        return _unit([self.directions[text] for text in texts])

    def stored_passages(self, texts: Texts, listen: Listener = silent) -> np.ndarray:
        (block,) = texts()
        self.read += block
        return self.queries([text.rpartition(" ")[2] for text in block])


def test_a_dense_retriever_reads_titles_and_indexes_once() -> None:
    passages = [Passage("a", "Way", "north"), Passage("b", "", "east"), Passage("c", "", "northeast")]
    encoder = _Encoder()
    retriever = DenseRetriever(encoder, Collection.of(passages))  # type: ignore[arg-type]
    assert retriever.name == "compass"
    assert retriever.search(["north", "east"], 2).rows.tolist() == [[0, 2], [1, 2]]
    assert retriever.place(["north"], [[1, 0]])[0].ranks.tolist() == [3, 1]
    assert encoder.read == ["Way north", "east", "northeast"]
