"""The verdict: one rule of two tests, with a threshold or without; families are adjusted together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from workbench.evaluation.comparison import adjusted, compare, compare_all, regressions
from workbench.evaluation.significance import Interval

BEFORE = [0.0, 1.0] * 50


def test_many_measures_at_once_say_what_each_says_alone() -> None:
    random = np.random.default_rng(0)
    before, after = ({name: random.random(50).tolist() for name in ("AP", "RR", "R@1")} for _ in range(2))
    before["R@1"] = after["R@1"] = [1.0] * 50
    for found in compare_all(before, after):
        alone = compare(found.measure, before[found.measure], after[found.measure])
        assert found.p_value == alone.p_value
        for each in ("before", "after", "difference"):
            ours, theirs = getattr(found, each), getattr(alone, each)
            assert (ours.mean, ours.low, ours.high) == pytest.approx((theirs.mean, theirs.low, theirs.high))


def test_a_family_is_adjusted_together_and_one_alone_is_not() -> None:
    one = compare("AP", [0.0] * 10, [1.0] * 10)
    assert one.adjusted_p == one.p_value
    assert [each.adjusted_p for each in adjusted([one, one])] == pytest.approx([2 * one.p_value] * 2)


def test_a_comparison_says_in_words_which_way_it_went() -> None:
    same = compare("AP", BEFORE, BEFORE)
    assert (same.verdict, same.in_words) == ("no difference shown", "no difference shown")
    better = compare("AP", BEFORE, [1.0] * 100)
    assert (better.verdict, better.in_words) == ("better", "better than before")
    worse = compare("AP", BEFORE, [0.0] * 100)
    assert (worse.verdict, worse.in_words) == ("worse", "worse than before")
    assert worse.difference.mean == -0.5
    assert worse.p_value < 0.001
    assert "-0.500, 95 % interval -0.600 to -0.400, p < 0.001" in worse.evidence


def test_where_less_is_better_less_is_better() -> None:
    (closer,) = compare_all({"KL": [1.0] * 40}, {"KL": [0.5] * 40}, lower_is_better=("KL",))
    assert (closer.difference.mean, closer.verdict) == (-0.5, "better")


def test_interval_and_adjusted_test_must_agree() -> None:
    # six queries of thirty moved: the interval excludes 0 and p is 2/64, which eight comparisons take above 0.05
    one = compare("AP", [1.0] * 30, [0.0] * 6 + [1.0] * 24)
    assert one.difference.high < 0 and one.p_value == pytest.approx(2 / 64)
    assert one.verdict == "worse"
    of_eight = adjusted([one] * 8)[0]
    assert of_eight.difference == one.difference
    assert (of_eight.verdict, of_eight.p_in_words) == ("no difference shown", "p = 0.250 (Holm, 8 comparisons)")
    # and the other way round: the test rejects, the interval does not exclude 0
    odd = compare("AP", [0.0] * 7, [0.4] * 7)
    straddling = replace(odd, difference=Interval(0.4, -0.1, 0.9, 7), adjusted_p=0.01)
    assert straddling.verdict == "no difference shown"


def test_few_queries_are_called_few() -> None:
    assert compare("AP", [0.0] * 24, [1.0] * 24).in_words == "better than before (only 24 queries)"
    assert compare("AP", [0.0] * 25, [1.0] * 25).in_words == "better than before"
    assert compare("AP", [0.0], [1.0]).in_words == "no difference shown (only 1 query)"


def test_a_threshold_is_judged_by_the_same_two_tests() -> None:
    after = [0.0] * 10 + [1.0] * 20
    one = compare("AP", [1.0] * 30, after)
    assert regressions([one]) == [True] == [one.verdict == "worse"]
    assert regressions([one], 0.1) == [True]
    # the interval, -0.5 to -0.167, reaches above -0.2
    assert regressions([one], 0.2) == [False]
    # of 30 differences moved by 0.1, -0.9 and 0.1, the test alone rejects until the family grows
    shifted = one.shifted(0.1)
    assert shifted.difference.mean == pytest.approx(one.difference.mean + 0.1)
    assert shifted.p_value == pytest.approx(
        compare("AP", [1.0] * 30, [value + 0.1 for value in after]).p_value, abs=0.02
    )
    assert regressions([one] * 8, 0.1) == [False] * 8


@examples(30)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30), st.integers(1, 5))
def test_without_a_threshold_a_regression_is_the_verdict_worse(pairs: list[tuple[float, float]], size: int) -> None:
    one = compare("AP", [before for before, _ in pairs], [after for _, after in pairs])
    family = adjusted([one] * size)
    assert regressions(family) == [each.verdict == "worse" for each in family]
