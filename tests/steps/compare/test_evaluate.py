"""Evaluate: rankings are kept, measures are asked of them, and both can be checked by hand."""

from __future__ import annotations

from math import log2
from pathlib import Path

import pytest

from tests import tiny
from tests.conftest import PASSAGES, QRELS, QUERIES
from workbench.errors import NothingToDo
from workbench.records import Hit, Passage, Run
from workbench.steps.compare.diff import diff
from workbench.steps.compare.evaluate import evaluate, measured
from workbench.store import Store, views

Q2 = "http://q/2?x=1"


@pytest.fixture
def student(tmp_path: Path) -> str:
    folder = tmp_path / "tiny student"
    tiny.static().save_pretrained(str(folder), create_model_card=False)
    return str(folder)


def deep(store: Store, name: str, depth: int) -> Run:
    """Return a run of the toy workspace, read down to another depth."""
    return views.find_run(store, name, "test")._replace(depth=depth)


def test_measures_by_hand_end_at_the_depth(store: Store) -> None:
    # q1's one relevant passage is third before and first after, q2's is first before and third after
    found = measured(store, deep(store, "before", 4)).measures
    assert found["R@1"].mean == found["Success@1"].mean == 0.5
    assert found["R@5"].mean == 1.0
    assert found["AP"].mean == found["RR"].mean == pytest.approx((1 / 3 + 1) / 2)
    assert found["nDCG@10"].mean == pytest.approx((1 / log2(4) + 1) / 2)
    cut = measured(store, deep(store, "before", 2)).measures
    assert cut["AP"].mean == cut["nDCG@10"].mean == cut["R@10"].mean == 0.5


def test_a_run_keeps_its_candidates_below_the_depth_with_their_true_rank(store: Store, student: str) -> None:
    full = evaluate(store, student, depth=4)
    ranks = {(hit.query_id, hit.passage_id): hit[3:] for hit in views.hits(store, deep(store, student, 4))}
    cut = evaluate(store, student, depth=1)
    run = views.find_run(store, student, "test")
    assert (run.depth, cut.queries, full.queries) == (1, 2, 2)
    assert {(hit.query_id, hit.passage_id): hit[3:] for hit in views.hits(store, run)} == ranks
    assert sorted(rank for (query_id, _), (rank, _) in ranks.items() if query_id == "q1") == [1, 2, 3, 4]
    assert {query_id: len(ranked) for query_id, ranked in views.rankings(store, run).items()} == {"q1": 1, Q2: 1}


def test_passages_that_are_no_candidates_are_kept_down_to_the_depth_only(empty: Store, student: str) -> None:
    empty.add_collection(QUERIES, PASSAGES, QRELS)
    evaluate(empty, student, depth=3)
    assert len(views.hits(empty, views.find_run(empty, student, "test"))) == 6


def test_evaluated_again_there_is_one_run_and_it_is_the_new_one(store: Store, student: str) -> None:
    evaluate(store, student, depth=1)
    evaluate(store, student, depth=2)
    assert [run.depth for run in views.runs(store) if run.student == student] == [2]
    assert len(views.hits(store, views.find_run(store, student, "test"))) == 8


def test_a_judged_query_without_an_answer_counts_as_zero_and_is_counted(store: Store) -> None:
    store.add_run(views.find_run(store, "after", "test"), [Hit("after@test", "q1", "p/1", 1, 0.5)])
    found = measured(store, views.find_run(store, "after", "test"))
    assert (found.judged, found.queries, found.measures["R@1"].mean) == (2, 1, 0.5)
    assert diff(store, "before", "after").unanswered == 1


def test_a_query_that_nobody_judged_is_ranked_but_not_measured(store: Store, student: str) -> None:
    store.add_collection([QUERIES[0]._replace(query_id="q9", text="the oil")._replace(split="test")])
    found = evaluate(store, student)
    assert (found.queries, found.judged) == (3, 2)
    assert all(value.n == 2 for value in found.measures.values())


def test_bm25_finds_by_words(store: Store) -> None:
    found = evaluate(store, "bm25")
    assert views.rankings(store, views.find_run(store, "bm25", "test"))["q1"][0][0] == "p/1"
    assert (found.student, found.measures["R@1"].mean) == ("bm25", 1.0)


def test_a_run_is_stale_once_the_passages_change(store: Store) -> None:
    evaluate(store, "bm25")
    assert diff(store, "bm25", "bm25").stale == ()
    store.add_collection((), [Passage("new", "", "A new passage.")])
    assert diff(store, "bm25", "bm25").stale == ("bm25", "bm25")
    evaluate(store, "bm25")
    assert diff(store, "bm25", "bm25").stale == ()


def test_an_empty_split_says_so(store: Store) -> None:
    store.add_collection([QUERIES[0]._replace(query_id="x", split="dev")])
    with pytest.raises(NothingToDo, match="other split has 0 queries"):
        evaluate(store, "bm25", split="other")
