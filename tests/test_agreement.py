"""Agreement of rankings: golden values, other people's programs, and plain counting over every order of ties."""

from __future__ import annotations

from itertools import groupby, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr, softmax
from scipy.stats import kendalltau

from workbench.agreement import NAMES, find_contrast, jaccard, kendall, kl, pulled, pulls, rbo, standardised, tau_ap
from workbench.errors import BadSetting

TRUTH = (0.06, 0.2, 0.27, 0.37, 0.57, 0.63, 0.66, 0.9, 0.91, 0.94)
SAID = (0.37, 0.06, 0.2, 0.27, 0.57, 0.66, 0.63, 0.91, 0.9, 0.94)

ids = st.lists(st.sampled_from("abcdefghijkl"), unique=True, max_size=10)
valued = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 3).map(float), max_size=6).map(
    lambda found: list(found.items())
)
full = st.lists(st.integers(0, 4).map(float), min_size=7, max_size=7).map(
    lambda v: list(zip("abcdefg", v, strict=True))
)


def named(values: tuple[float, ...]) -> list[tuple[str, float]]:
    return [(f"p{place}", value) for place, value in enumerate(values)]


def test_the_golden_vectors_of_ircor() -> None:
    assert tau_ap(named(TRUTH), named(SAID)) == pytest.approx(0.7491182, abs=5e-8)
    assert kendall(named(TRUTH), named(SAID)) == pytest.approx(0.7777778, abs=5e-8)


def test_the_golden_values_of_four_candidates() -> None:
    teacher, student = named((2, 1, 0, -1)), named((0.9, 0.2, 0.5, -0.3))
    assert tau_ap(teacher, student) == pytest.approx(2 / 3)
    assert kl(teacher, student) == pytest.approx(0.195058, abs=1e-6)
    assert rbo("abcd", "bacd", 0.9) == pytest.approx(0.9)


def by_definition(truth: dict[str, float], order: tuple[str, ...]) -> float:
    """Return tau-AP of one order without ties: for each place the share above it that is truly above."""
    shares = [
        sum(1.0 if truth[x] > truth[y] else 0.5 * (truth[x] == truth[y]) for x in order[:place]) / place
        for place, y in enumerate(order)
        if place
    ]
    return 2 * sum(shares) / len(shares) - 1


@settings(max_examples=80, deadline=None)
@given(valued, valued)
def test_tau_ap_is_the_mean_over_every_order_of_the_ties(first: list, second: list) -> None:
    names = sorted({name for name, _ in first + second})
    if len(names) < 2:
        assert tau_ap(first, second) is None
        return
    truth, said = ({name: dict(side).get(name, -1.0) for name in names} for side in (first, second))
    tied = [list(group) for _, group in groupby(sorted(names, key=lambda n: -said[n]), key=lambda n: said[n])]
    orders = product(*(list(permutations(group)) for group in tied))
    values = [by_definition(truth, tuple(name for group in order for name in group)) for order in orders]
    assert tau_ap(first, second) == pytest.approx(np.mean(values), abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(full, full)
def test_kendall_is_scipys_tau_b(first: list, second: list) -> None:
    theirs = kendalltau([value for _, value in first], [value for _, value in second]).statistic
    ours = kendall(first, second[::-1])
    assert ours is None if np.isnan(theirs) else ours == pytest.approx(theirs)


def test_missing_passages_lie_below_all_that_a_ranking_holds() -> None:
    first, second = [("a", 2.0), ("b", 1.0)], [("b", 2.0), ("c", 1.0)]
    theirs = kendalltau([2, 1, 0], [0, 2, 1]).statistic
    assert kendall(first, second) == pytest.approx(theirs)
    assert kendall(first, []) is None
    assert tau_ap([], []) is None
    assert tau_ap([("a", 1.0)], [("b", 1.0)]) == -1.0


@settings(max_examples=80, deadline=None)
@given(ids, ids, st.floats(0.3, 0.95))
def test_rbo_is_the_sum_of_its_definition_and_symmetric(first: list[str], second: list[str], p: float) -> None:
    found = rbo(first, second, p)
    assert found == (rbo(second, first, p) if found is None else pytest.approx(rbo(second, first, p)))
    short, long = sorted((first, second), key=len)
    if not short:
        assert found == (0.0 if long else None)
        return
    share = len(set(short) & set(long[: len(short)])) / len(short)
    total, agreement = 0.0, 0.0
    for depth in range(1, 900):
        if depth <= len(long):  # beyond the short list its share goes on; beyond the long one the agreement does
            shared = len(set(short[:depth]) & set(long[:depth]))
            agreement = (shared + share * max(0, depth - len(short))) / depth
        total += (1 - p) * p ** (depth - 1) * agreement
    assert found == pytest.approx(total, abs=1e-9)
    assert -1e-12 <= total <= 1 + 1e-9 or len(short) != len(long)


@given(ids)
def test_a_ranking_agrees_wholly_with_itself(order: list[str]) -> None:
    ranking = [(name, 0.5) for name in order]  # all tied: the run's order decides
    for name in NAMES:
        kind, depth = find_contrast(name) or pytest.fail(name)
        value = kind.measure(ranking, ranking, depth)
        assert value is None or value == pytest.approx(kind.alike)
        assert value is not None or len(order) < 2


@given(ids, ids, st.integers(1, 12))
def test_jaccard_is_shared_over_all(first: list[str], second: list[str], k: int) -> None:
    found, every = jaccard(first, second, k), set(first[:k]) | set(second[:k])
    assert found is None if not every else found == len(set(first[:k]) & set(second[:k])) / len(every)


@settings(max_examples=60)
@given(full, full, st.floats(0.1, 5), st.floats(-5, 5))
def test_kl_is_scipys_and_does_not_see_a_shift(first: list, second: list, temperature: float, shift: float) -> None:
    p, q = (softmax(np.array([value for _, value in side]) / temperature) for side in (first, second))
    assert kl(first, second, temperature) == pytest.approx(rel_entr(p, q).sum(), abs=1e-8)
    moved = [(name, value + shift) for name, value in second]
    assert kl(first, moved, temperature) == pytest.approx(kl(first, second, temperature), abs=1e-8)


def test_kl_looks_at_what_both_hold_and_makes_nothing_up() -> None:
    assert kl([("a", 1.0), ("b", 0.0)], [("a", 1.0), ("c", 0.0)]) is None
    assert kl([], []) is None
    assert standardised([("a", 3.0), ("b", 1.0)]) == [("a", 1.0), ("b", -1.0)]
    assert standardised([("a", 3.0)]) == [("a", 0.0)]


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(BadSetting, match="persistence"):
        rbo("ab", "ab", 1.0)
    with pytest.raises(BadSetting, match="temperature"):
        kl(named((1, 2)), named((1, 2)), 0.0)


@pytest.mark.parametrize(
    ("name", "depth"),
    [("tauAP", 0), ("RBO@20", 20), ("Jaccard@5", 5), ("nDCG@10", None), ("RBO@", None), ("KL@0", None)],
)
def test_a_contrast_is_found_by_its_name_and_depth(name: str, depth: int | None) -> None:
    found = find_contrast(name)
    assert (found[1] if found else None) == depth


def test_depth_cuts_both_rankings() -> None:
    kind, depth = find_contrast("RBO@1") or pytest.fail("RBO@1")
    assert kind.measure([("a", 2), ("b", 1)], [("a", 2), ("c", 1)], depth) == pytest.approx(1.0)


# --- toward the teacher


def test_a_passage_moves_toward_the_teachers_place_or_away_from_it() -> None:
    utilities = {"a": 3.0, "b": 2.0, "c": -1.0, "d": -1.0}
    found = {pull.passage_id: pull for pull in pulls(utilities, ["c", "x", "b", "a", "d"], ["a", "c", "b", "d"])}
    assert [(p.passage_id, p.before, p.after) for p in found.values()] == [
        ("a", 2, 0), ("b", 0, 1), ("c", 2, 1), ("d", 0, 0),
    ]  # fmt: skip
    assert [p.word for p in found.values()] == ["toward the teacher", "away from the teacher", "toward the teacher", ""]
    assert pulled(list(found.values())) == "toward the teacher"


def test_a_passage_left_out_counts_as_the_one_behind_the_last() -> None:
    (a, b, _) = pulls({"a": 2.0, "b": 1.0, "c": 0.0}, ["b"], ["b", "c", "a"])
    assert (a.before, a.after, b.word) == (1, 2, "")


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-2, 2).map(float), min_size=1), st.permutations("abcdef"))
def test_the_teachers_own_order_is_nowhere_farther(utilities: dict[str, float], before: list[str]) -> None:
    best = sorted(utilities, key=lambda name: (-utilities[name], name))
    assert all(pull.after == 0 for pull in pulls(utilities, before, best))
