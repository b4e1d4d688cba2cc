"""Orders of rankings: golden values, other people's programs, and plain counting over every order of ties."""

from __future__ import annotations

from itertools import groupby, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from tests.profiles import examples
from workbench.errors import BadSetting
from workbench.evaluation.rank_correlation import jaccard, kendall, rbo, spearman, tau_ap

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
    assert kendall(teacher, student) == pytest.approx(2 / 3)
    assert rbo("abcd", "bacd", 0.9) == pytest.approx(0.9)


def by_definition(truth: dict[str, float], order: tuple[str, ...]) -> float:
    """Return tau-AP of one order without ties: for each place the share above it that is truly above."""
    shares = [
        sum(1.0 if truth[x] > truth[y] else 0.5 * (truth[x] == truth[y]) for x in order[:place]) / place
        for place, y in enumerate(order)
        if place
    ]
    return 2 * sum(shares) / len(shares) - 1


@examples(80)
@given(valued, valued)
def test_tau_ap_is_the_mean_over_every_order_of_the_ties(first: list, second: list) -> None:
    names = sorted({name for name, _ in first + second})
    if len(names) < 2:
        assert tau_ap(first, second) is None
        return
    truth, estimate = ({name: dict(side).get(name, -1.0) for name in names} for side in (first, second))
    tied = [list(group) for _, group in groupby(sorted(names, key=lambda n: -estimate[n]), key=lambda n: estimate[n])]
    orders = product(*(list(permutations(group)) for group in tied))
    values = [by_definition(truth, tuple(name for group in order for name in group)) for order in orders]
    assert tau_ap(first, second) == pytest.approx(np.mean(values), abs=1e-9)


@examples(80)
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


@examples(80)
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
    assert -1e-12 <= found <= 1 + 1e-9


@given(ids, ids, st.integers(1, 12))
def test_jaccard_is_shared_over_all(first: list[str], second: list[str], k: int) -> None:
    found, every = jaccard(first, second, k), set(first[:k]) | set(second[:k])
    assert found is None if not every else found == len(set(first[:k]) & set(second[:k])) / len(every)


@pytest.mark.filterwarnings("ignore:An input array is constant")
@examples(80)
@given(full, full)
def test_spearman_is_scipys(first: list, second: list) -> None:
    theirs = spearmanr([value for _, value in first], [value for _, value in second]).statistic
    ours = spearman(first, second[::-1])
    assert ours is None if np.isnan(theirs) else ours == pytest.approx(theirs)


def test_a_persistence_that_cannot_work_is_refused() -> None:
    with pytest.raises(BadSetting, match="persistence"):
        rbo("ab", "ab", 1.0)
