"""The verdict: one rule of two tests, with a threshold or without; secondary measures are adjusted together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from workbench.evaluation.comparison import (
    Comparison,
    adjusted,
    compare,
    compare_all,
    regressions,
    selection_in_words,
    selection_p_values,
)
from workbench.evaluation.significance import Interval

BEFORE = [0.0, 1.0] * 50


def pair(one: Comparison, size: int) -> list[Comparison]:
    """Return the comparison on "AP", the primary measure, and on `size` secondary ones that moved as it did."""
    return [one, *(replace(one, measure=f"P@{n}") for n in range(1, size + 1))]


def test_many_measures_at_once_say_what_each_says_alone() -> None:
    random = np.random.default_rng(0)
    before, after = ({name: random.random(50).tolist() for name in ("AP", "RR", "R@1")} for _ in range(2))
    before["R@1"] = after["R@1"] = [1.0] * 50
    for together in compare_all(before, after):
        alone = compare(together.measure, before[together.measure], after[together.measure])
        assert together.p_value == alone.p_value
        for field in ("before", "after", "difference"):
            ours, theirs = getattr(together, field), getattr(alone, field)
            assert (ours.mean, ours.low, ours.high) == pytest.approx((theirs.mean, theirs.low, theirs.high))


def test_the_primary_measure_is_tested_alone_and_the_secondary_ones_for_one_another() -> None:
    one = compare("AP", [0.0] * 10, [1.0] * 10)
    assert (one.adjusted_p, one.secondary) == (one.p_value, False)
    for size in range(5):
        primary, *secondary = adjusted(pair(one, size), "AP")
        assert primary == one
        assert [row.adjusted_p for row in secondary] == pytest.approx([size * one.p_value] * size)
        assert [(row.secondary, row.family) for row in secondary] == [(True, size)] * size
    # wherever the primary measure stands, and again with another one
    last = adjusted([*pair(one, 2)[1:], one], "AP")[-1]
    assert last == one
    assert [row.secondary for row in adjusted(adjusted(pair(one, 2), "AP"), "P@2")] == [True, True, False]


def test_who_chooses_among_many_reads_p_values_adjusted_for_all_of_them() -> None:
    six = compare("AP", [1.0] * 30, [0.0] * 6 + [1.0] * 24)
    ten = compare("AP", [1.0] * 30, [0.0] * 10 + [1.0] * 20)
    assert selection_p_values([six, ten, six]) == pytest.approx([4 / 64, 6 / 1024, 4 / 64])
    assert [one.verdict for one in (six, ten, six)] == ["worse"] * 3
    assert selection_in_words([six, ten, six], "recipes") == (
        " To choose among the 3 recipes, adjusted for all of them (Holm): 2 no difference shown, 1 worse."
    )
    assert selection_in_words([six], "recipes") == ""


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
    of_eight = adjusted(pair(one, 8), "AP")[1]
    assert of_eight.difference == one.difference
    assert (of_eight.verdict, of_eight.p_in_words) == ("no difference shown", "p = 0.250 (Holm, 8 secondary measures)")
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
    assert regressions([one], "AP") == [True] == [one.verdict == "worse"]
    assert regressions([one], "AP", 0.1) == [True]
    # the interval, -0.5 to -0.167, reaches above -0.2
    assert regressions([one], "AP", 0.2) == [False]
    # of 30 differences moved by 0.1, -0.9 and 0.1, the test alone rejects until there are many secondary measures
    shifted = one.shifted(0.1)
    assert shifted.difference.mean == pytest.approx(one.difference.mean + 0.1)
    assert shifted.p_value == pytest.approx(
        compare("AP", [1.0] * 30, [value + 0.1 for value in after]).p_value, abs=0.02
    )
    assert regressions(pair(one, 8), "AP", 0.1) == [True] + [False] * 8


@examples(30)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30), st.integers(1, 5))
def test_without_a_threshold_a_regression_is_the_verdict_worse(pairs: list[tuple[float, float]], size: int) -> None:
    one = compare("AP", [before for before, _ in pairs], [after for _, after in pairs])
    comparisons = adjusted(pair(one, size), "AP")
    assert regressions(comparisons, "AP") == [row.verdict == "worse" for row in comparisons]
