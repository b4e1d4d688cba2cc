"""Measuring a stored run gives ir_measures' numbers, whatever way they are come by."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import PASSAGES, QUERIES, run
from tests.profiles import examples
from tests.workspaces import copy_of
from workbench.errors import NothingToDo
from workbench.evaluation.measures import MEASURES, per_query
from workbench.records import Hit, Passage, Qrel, Query
from workbench.steps.compare import run_measures
from workbench.steps.compare.compare_runs import compare_runs
from workbench.steps.compare.diff import diff
from workbench.steps.compare.evaluate import measured
from workbench.steps.compare.leaderboard import leaderboard
from workbench.steps.compare.run_measures import Judgements
from workbench.steps.data.workspace_settings import configure, with_settings
from workbench.store import Store, views

Q2 = "http://q/2?x=1"
pairs = st.tuples(st.sampled_from(["q1", Q2]), st.sampled_from([passage.passage_id for passage in PASSAGES]))
near = st.sampled_from([0.5, 0.25, 0.12345678901, 0.12345678902, -0.0, 0.0, 1e300, 1e301, -1e300])


def texts(store: Store) -> None:
    """Fill a store with the toy collection, without qrels."""
    store.add_collection(QUERIES, PASSAGES)


@examples(25)
@given(ranked=st.dictionaries(pairs, near), judged=st.dictionaries(pairs, st.integers(-1, 2)), depth=st.integers(1, 4))
def test_a_stored_run_measures_as_ir_measures_says(
    tmp_path_factory: pytest.TempPathFactory, ranked: dict, judged: dict, depth: int
) -> None:
    store = copy_of(texts, tmp_path_factory.mktemp("ws"))
    qrels = [Qrel(*pair, relevance) for pair, relevance in judged.items()]
    store.add_collection(qrels=qrels)
    counts: Counter[str] = Counter()
    hits = []
    for (query_id, passage_id), similarity in ranked.items():  # ranks that do not follow the similarities
        counts[query_id] += 1
        hits.append(Hit("odd@test", query_id, passage_id, counts[query_id], similarity))
    store.add_run(run("odd", depth=depth), hits)
    names = (*MEASURES, "AP(rel=2)", "RR@10")
    found = run_measures.measure(store, run("odd", depth=depth), names, Judgements.of(store, "test"))
    assert found.ranked == {query_id: min(count, depth) for query_id, count in counts.items()}
    theirs = per_query(names, qrels, views.rankings(store, run("odd", depth=depth)))
    for name, of_query in theirs.items():
        assert found.values[name] == pytest.approx(of_query, abs=1e-9), name


@pytest.fixture
def unanswerable(empty: Store) -> Store:
    """Return 63 judged queries, 19 with nothing relevant, one unjudged; "first" and "last" rank what is relevant."""
    queries = [Query(f"q{n:02}", f"text {n}", (), "test") for n in range(64)]
    passages = [Passage(f"p{n}", "", f"passage {n}") for n in range(5)]
    qrels = [Qrel(query.query_id, "p0", 2 if n < 30 else 1 if n < 44 else 0) for n, query in enumerate(queries[:63])]
    empty.add_collection(queries, passages, qrels)
    for name, places in {"first": [1] * 28 + [5] * 3, "last": [5] * 31}.items():
        hits = []
        for n, query in enumerate(queries):
            order = ["p1", "p2", "p3", "p4"]
            if n < len(places):
                order.insert(places[n] - 1, "p0")
            hits += [Hit(f"{name}@test", query.query_id, p, rank, 1 / rank) for rank, p in enumerate(order, start=1)]
        empty.add_run(run(name, depth=5), hits)
    return empty


def test_a_query_with_nothing_relevant_is_0_in_every_mean_or_left_out_of_every_mean(unanswerable: Store) -> None:
    first = views.find_run(unanswerable, "first", "test")
    for settings, mean, n, words in (
        ({}, 0.454, 63, "63 judged queries (19 of them without a relevant passage, counted as 0)"),
        (
            {"without_relevant": "left out"},
            0.650,
            44,
            "44 judged queries (19 more without a relevant passage left out)",
        ),
    ):
        store = with_settings(unanswerable, **settings)
        evaluation = measured(store, first, ["RR"])
        assert (round(evaluation.measures["RR"].mean, 3), evaluation.measures["RR"].n) == (mean, n)
        compared = diff(unanswerable, "last", "first", "RR", **settings)
        assert (round(compared.comparison.after.mean, 3), len(compared.deltas)) == (mean, n)
        runs = compare_runs(unanswerable, ["last", "first"], ["RR"], **settings)
        assert runs.against[0].comparison.after == compared.comparison.after
        board = leaderboard(unanswerable, "test", "RR", **settings)
        assert {row.student: row.measures["RR"] for row in board.students}["first"] == compared.comparison.after
        assert evaluation.counts == compared.counts == runs.counts == board.counts
        for sentence in (evaluation.in_words, compared.in_words, runs.in_words):
            assert words in sentence
    configure(unanswerable, without_relevant="left out")
    assert round(measured(unanswerable, first, ["RR"]).measures["RR"].mean, 3) == 0.650


def test_where_no_query_counts_there_is_no_mean(unanswerable: Store) -> None:
    first = views.find_run(unanswerable, "first", "test")
    zero = measured(with_settings(unanswerable, relevance=3), first)
    assert {mean.mean for name, mean in zero.measures.items() if name != "nDCG@10"} == {0.0}
    nothing = measured(with_settings(unanswerable, relevance=3, without_relevant="left out"), first)
    assert nothing.measures == {}
    assert "none of them has a passage of relevance 3 or more, so nothing can be measured" in nothing.in_words
    with pytest.raises(NothingToDo, match="No query of the test split has a passage of relevance 3 or more"):
        diff(unanswerable, "last", "first", relevance=3)


def test_the_level_of_relevance_is_followed_by_every_measure_that_names_none(unanswerable: Store) -> None:
    compared = diff(unanswerable, "last", "first", "RR", also=["AP(rel=1)", "nDCG@10"], relevance=2)
    assert [one.measure for one in compared.comparisons] == ["RR(rel=2)", "AP(rel=1)", "nDCG@10"]
    assert compared.comparison.after.mean == pytest.approx((28 + 2 / 5) / 63)
    assert compared.comparisons[1].after.mean == pytest.approx((28 + 3 / 5) / 63)
    assert "33 of them without a passage of relevance 2 or more" in compared.in_words
    configure(unanswerable, relevance=2)
    assert diff(unanswerable, "last", "first", "RR", also=["AP(rel=1)", "nDCG@10"]) == compared
