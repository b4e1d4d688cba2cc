"""Measures are ir_measures' own numbers, for every judged query and no other, and their means are its means."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from workbench.errors import BadSetting
from workbench.evaluation.measures import MEASURES, at_level, needs_ranks_only, per_query, per_query_of_ranks
from workbench.formats import write_qrels, write_run
from workbench.records import Qrel


def test_values_by_hand() -> None:
    qrels = [Qrel("q", "a", 1), Qrel("q", "b", 1), Qrel("q", "c", 1), Qrel("judged bad", "a", 0)]
    values = per_query(MEASURES, qrels, {"q": [("a", 0.9), ("x", 0.8), ("b", 0.7)], "unjudged": [("a", 1.0)]})
    found = {name: of_query["q"] for name, of_query in values.items()}
    assert found["R@1"] == pytest.approx(1 / 3)
    assert found["Success@1"] == 1.0
    assert found["AP"] == pytest.approx((1 + 2 / 3) / 3)
    assert found["RR"] == 1.0
    assert all(of_query.keys() == {"q", "judged bad"} for of_query in values.values())
    left_out = per_query(MEASURES, qrels, {"judged bad": [("a", 1.0)]}, left_out_below=1)
    assert all(of_query == {"q": 0.0} for of_query in left_out.values())


def test_a_query_never_answered_counts_as_nothing_found() -> None:
    assert per_query(["AP"], [Qrel("q", "a", 1)], {}) == {"AP": {"q": 0.0}}


def test_ties_go_by_passage_id_from_the_end() -> None:
    values = per_query(["RR"], [Qrel("q", "a", 1)], {"q": [("a", 0.5), ("b", 0.5)]})
    assert values["RR"]["q"] == 0.5


def test_an_unknown_measure_is_refused_with_examples() -> None:
    with pytest.raises(BadSetting, match="nDCG@10"):
        per_query(["Fun@3"], [], {})


names = st.sampled_from([f"p{number}" for number in range(12)])
rankings = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]),
    st.dictionaries(names, st.integers(0, 5).map(lambda n: n / 4), max_size=12).map(lambda found: list(found.items())),
)
judgements = st.dictionaries(st.tuples(st.sampled_from(["q1", "q2", "q3"]), names), st.integers(0, 3), max_size=15)


@examples(60)
@given(judgements, rankings)
def test_measures_lie_between_0_and_1(judged: dict, ranked: dict) -> None:
    qrels = [Qrel(*pair, relevance) for pair, relevance in judged.items()]
    for of_query in per_query(MEASURES, qrels, ranked).values():
        assert set(of_query) == {qrel.query_id for qrel in qrels}
        assert all(0 <= value <= 1 for value in of_query.values())


def test_the_same_as_the_command_of_ir_measures(tmp_path: Path) -> None:
    qrels = [Qrel("q1", "a", 1), Qrel("q1", "b", 2), Qrel("q2", "c", 1)]
    ranked = {"q1": [("b", 0.9), ("x", 0.9), ("a", 0.25)], "q2": [("y", 0.5), ("c", 0.5), ("z", 0.1)]}
    write_qrels(qrels, tmp_path / "qrels")
    write_run("ours", ranked.items(), tmp_path / "run")
    printed = subprocess.run(
        [sys.executable, "-m", "ir_measures", str(tmp_path / "qrels"), str(tmp_path / "run"), *MEASURES, "-p", "6"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    theirs = dict(line.split("\t") for line in printed.splitlines())
    for name, of_query in per_query(MEASURES, qrels, ranked).items():
        assert sum(of_query.values()) / 2 == pytest.approx(float(theirs[name]), abs=1e-6)


OF_RANKS = (
    *MEASURES, "P@1", "P(rel=2)@3", "R(rel=2)@3", "AP(rel=2)", "AP@3", "AP(rel=3)@4", "RR(rel=2)", "Success(rel=2)@2",
    "nDCG", "nDCG@1", "nDCG@3", "nDCG@50",
)  # fmt: skip


def placed(qrels: list[Qrel], ranked: dict) -> tuple[dict, dict]:
    """Return the ranks of the judged passages in trec_eval's order, and how many passages a query has."""
    relevance = {(qrel.query_id, qrel.passage_id): qrel.relevance for qrel in qrels}
    ranks = {}
    for query_id, found in ranked.items():
        ordered = sorted(sorted(found, reverse=True), key=lambda hit: hit[1], reverse=True)
        ranks[query_id] = [
            (rank, relevance[query_id, passage_id])
            for rank, (passage_id, _) in enumerate(ordered, start=1)
            if (query_id, passage_id) in relevance
        ]
    return ranks, {query_id: len(found) for query_id, found in ranked.items()}


@examples(300)
@given(judgements, rankings, st.sampled_from([None, 1, 2]))
def test_measures_of_ranks_are_those_of_ir_measures(judged: dict, ranked: dict, left_out_below: int | None) -> None:
    qrels = [Qrel(*pair, relevance) for pair, relevance in judged.items()]
    assert all(needs_ranks_only(name) for name in OF_RANKS)
    theirs = per_query(OF_RANKS, qrels, ranked, left_out_below)
    ours = per_query_of_ranks(OF_RANKS, qrels, *placed(qrels, ranked), left_out_below)
    assert list(ours) == list(theirs)
    for name, of_query in theirs.items():
        assert list(ours[name]) == list(of_query)
        assert ours[name] == pytest.approx(of_query, abs=1e-9), name


@examples(100)
@given(judgements, rankings, st.integers(1, 15))
def test_the_judged_share_is_that_of_ir_measures_where_nothing_ties(judged: dict, ranked: dict, cutoff: int) -> None:
    qrels = [Qrel(*pair, relevance) for pair, relevance in judged.items()]
    apart = {
        query_id: [(name, 1 / place) for place, (name, _) in enumerate(found, 1)] for query_id, found in ranked.items()
    }
    name = f"Judged@{cutoff}"
    ours = per_query_of_ranks([name], qrels, *placed(qrels, apart))
    assert ours[name] == pytest.approx(per_query([name], qrels, apart)[name], abs=1e-9)


@pytest.mark.parametrize(
    "name",
    ["RR@10", "nDCG(dcg='exp-log2')@10", "AP(judged_only=True)", "P(rel=0)@5", "Rprec", "Judged", "Bpref", "NumRet"],
)
def test_measures_of_more_than_ranks_are_left_to_ir_measures(name: str) -> None:
    assert not needs_ranks_only(name)


GRADED = ("AP(rel=2)", "AP", "R(rel=2)@5", "RR(rel=2)", "P(rel=3)@3", "RR@10", "nDCG@10", "Success(rel=2)@1")
odd_judgements = st.dictionaries(
    st.tuples(st.sampled_from(["q1", "q2", "q3", "q4"]), names), st.integers(-1, 3), min_size=1, max_size=15
)
odd_rankings = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3", "no qrels"]),
    st.dictionaries(names, st.integers(0, 5).map(lambda n: n / 4), min_size=1, max_size=12).map(
        lambda similarities: list(similarities.items())
    ),
)


@examples(150)
@given(odd_judgements, odd_rankings)
def test_means_are_those_of_ir_measures_over_the_same_queries(judged: dict, ranked: dict) -> None:
    """With ties, grades, levels, unanswered queries, queries without qrels, and ones with nothing relevant."""
    import ir_measures

    qrels = [Qrel(*pair, relevance) for pair, relevance in judged.items()]
    run = [ir_measures.ScoredDoc(q, p, s) for q, passages in ranked.items() for p, s in passages]
    parsed = {name: ir_measures.parse_measure(name) for name in (*GRADED, "Judged@10")}
    theirs = ir_measures.calc_aggregate(list(parsed.values()), [ir_measures.Qrel(*qrel) for qrel in qrels], run)
    for name, of_query in per_query(parsed, qrels, ranked).items():
        assert sum(of_query.values()) / len(of_query) == pytest.approx(theirs[parsed[name]]), name
    for name, of_query in per_query(GRADED, qrels, ranked, left_out_below=1).items():
        level = parsed[name].params.get("rel", 1)
        relevant = {qrel.query_id for qrel in qrels if qrel.relevance >= level}
        assert of_query.keys() == relevant
        if relevant:  # what is left out here, is left out of the qrels there
            some = [ir_measures.Qrel(*qrel) for qrel in qrels if qrel.query_id in relevant]
            mean = ir_measures.calc_aggregate([parsed[name]], some, run)[parsed[name]]
            assert sum(of_query.values()) / len(of_query) == pytest.approx(mean), name


def test_a_query_that_cannot_reach_the_threshold_is_0_or_left_out() -> None:
    qrels = [Qrel("low", "a", 1), Qrel("high", "a", 2), Qrel("high", "b", 1)]
    asked = ["AP(rel=2)", "AP", "nDCG@1"], qrels, {"low": [("a", 1.0)], "high": [("b", 1.0), ("a", 0.5)]}
    by_ranks = asked[:2] + placed(qrels, asked[2])
    for values in (per_query(*asked), per_query_of_ranks(*by_ranks)):
        assert values == {
            "AP(rel=2)": {"high": 0.5, "low": 0.0},
            "AP": {"high": 1.0, "low": 1.0},
            "nDCG@1": {"high": 0.5, "low": 1.0},
        }
    for values in (per_query(*asked, 2), per_query_of_ranks(*by_ranks, 2)):  # AP counts from 1, nDCG from what is set
        assert values == {"AP(rel=2)": {"high": 0.5}, "AP": {"high": 1.0, "low": 1.0}, "nDCG@1": {"high": 0.5}}


@pytest.mark.parametrize(
    ("name", "at_level_2"),
    [
        ("R@1", "R(rel=2)@1"),
        ("Success@1", "Success(rel=2)@1"),
        ("AP", "AP(rel=2)"),
        ("MRR", "RR(rel=2)"),
        ("nDCG@10", "nDCG@10"),
        ("Judged@10", "Judged@10"),
        ("AP(rel=3)", "AP(rel=3)"),
        ("AP(rel=1)", "AP(rel=1)"),
    ],
)
def test_a_measure_follows_the_level_unless_it_names_its_own(name: str, at_level_2: str) -> None:
    assert at_level(name, 2) == at_level_2
    assert at_level(name, 1) == name.replace("MRR", "RR").replace("(rel=1)", "")
