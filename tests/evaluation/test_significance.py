"""Intervals and tests say what scipy and simple counting say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from tests.profiles import examples
from workbench.evaluation.comparison import compare
from workbench.evaluation.large_samples import mean_limits, random_signs_p
from workbench.evaluation.significance import holm, interval, randomisation_test, ratios, t_test

values = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@examples(40)
@given(values)
def test_an_interval_holds_its_mean(sample: list[float]) -> None:
    found = interval(sample)
    assert found.low - 1e-9 <= found.mean <= found.high + 1e-9
    assert found.n == len(sample)
    assert found == interval(sample)


def test_an_interval_is_as_wide_as_theory_says() -> None:
    sample = np.random.default_rng(0).random(2000)
    found = interval(sample)
    assert found.high - found.low == pytest.approx(2 * 1.96 * sample.std() / np.sqrt(2000), rel=0.05)


@pytest.mark.parametrize("n", [2, 30, 1000])
def test_an_interval_is_that_of_scipy(n: int) -> None:
    from scipy.stats import bootstrap

    sample = np.random.default_rng(n).exponential(1, n)
    theirs = bootstrap((sample,), np.mean, method="percentile", batch=100, rng=np.random.default_rng(1))
    found, tolerance = interval(sample), 0.1 * theirs.standard_error
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=tolerance)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=tolerance)


def test_nothing_to_measure_is_no_number_made_up() -> None:
    assert interval([]).n == 0


@pytest.mark.parametrize(("differences", "expected"), [([0.0, 0.0], 1.0), ([1.0] * 3, 0.25), ([1.0] * 10, 2 / 2**10)])
def test_randomisation_by_counting(differences: list[float], expected: float) -> None:
    assert randomisation_test(differences) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("shift", "n"), [(0.1, 400), (0.05, 60), (0.0, 200), (0.4, 12)])
def test_randomisation_says_what_scipy_and_the_t_test_say(shift: float, n: int) -> None:
    from scipy.stats import permutation_test, ttest_1samp

    differences = np.random.default_rng(n).normal(shift, 1, n).round(2)
    found = randomisation_test(differences)
    theirs = permutation_test((differences,), np.sum, permutation_type="samples", vectorized=True, rng=1).pvalue
    assert found == pytest.approx(theirs, abs=0.02)
    assert found == pytest.approx(ttest_1samp(differences, 0).pvalue, abs=0.05)


def test_the_t_test_is_scipys_paired_one() -> None:
    from scipy.stats import ttest_rel

    random = np.random.default_rng(3)
    before, after = random.random(50).round(1), random.random(50).round(1)
    assert t_test(after - before) == pytest.approx(ttest_rel(after, before).pvalue)
    assert compare("AP", list(before), list(after)).t_p_value == pytest.approx(ttest_rel(after, before).pvalue)


@pytest.mark.parametrize(("differences", "expected"), [([], 1.0), ([0.4], 1.0), ([0.0, 0.0], 1.0), ([0.5, 0.5], 0.0)])
def test_the_t_test_where_there_is_no_spread(differences: list[float], expected: float) -> None:
    assert t_test(differences) == expected


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_makes_none_smaller_and_keeps_their_order(p_values: list[float]) -> None:
    found = holm(p_values)
    assert all(p <= corrected <= 1 for p, corrected in zip(p_values, found, strict=True))
    ordered = [corrected for _, corrected in sorted(zip(p_values, found, strict=True))]
    assert ordered == sorted(ordered)
    bonferroni = [min(1.0, p * len(p_values)) for p in p_values]
    assert all(corrected <= worst + 1e-12 for corrected, worst in zip(found, bonferroni, strict=True))


def test_a_ratio_has_scipys_interval_and_none_without_a_denominator() -> None:
    random = np.random.default_rng(3)
    whole = random.normal(0.5, 0.3, 80)
    part = 0.4 * whole + random.normal(0, 0.1, 80)
    found, nothing = ratios([part, part], [whole, np.zeros(80)])
    theirs = bootstrap(
        (part, whole), lambda x, y, axis: x.sum(axis) / y.sum(axis), paired=True, method="percentile", rng=5
    ).confidence_interval
    assert nothing is None
    assert found is not None
    assert (found.mean, found.n) == (pytest.approx(part.sum() / whole.sum()), 80)
    assert (found.low, found.high) == (pytest.approx(theirs.low, abs=0.004), pytest.approx(theirs.high, abs=0.004))
    assert ratios(np.zeros((1, 0)), np.zeros((1, 0))) == [None]


def test_many_values_have_the_interval_and_the_p_value_of_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(7)
    skewed = np.where(random.random(6_000) < 0.3, random.exponential(1, 6_000), 0.0)
    discrete = random.choice([0.0, 0.5, 0.63, 1.0], 6_000, p=[0.5, 0.2, 0.2, 0.1])
    differences = random.normal(0.025, 1, 6_000).round(2)
    ones = random.choice([-1.0, 1.0], 6_000, p=[0.488, 0.512])
    without_draws = [*map(interval, (skewed, discrete)), *map(randomisation_test, (differences, ones))]
    monkeypatch.setattr("workbench.evaluation.large_samples.MANY", 10_000)
    drawn = [*map(interval, (skewed, discrete)), *map(randomisation_test, (differences, ones))]
    for one, other, sample in zip(without_draws[:2], drawn[:2], (skewed, discrete), strict=True):
        error = 0.06 * sample.std() / np.sqrt(6_000)  # of the limits of 9,999 draws: 0.03 standard errors, twice
        assert (one.low, one.high) == (pytest.approx(other.low, abs=error), pytest.approx(other.high, abs=error))
        assert one.low != other.low
    assert without_draws[2:] == pytest.approx(drawn[2:], abs=0.01)
    assert all(0.001 < p_value < 0.5 for p_value in without_draws[2:])


def test_of_many_values_of_which_few_differ_the_counts_are_drawn() -> None:
    rare = np.zeros(20_000)
    rare[:4] = 1.0
    assert mean_limits(np.r_[np.random.default_rng(0).random(5_000), 500.0]) is None
    assert (interval(rare).low, interval(rare).high) == (1 / 20_000, pytest.approx(8 / 20_000, abs=1 / 20_000))
    assert random_signs_p(np.r_[rare, 1e-6 * rare[::-1]][:5]) is None
    assert random_signs_p(np.r_[np.full(6_000, 1e-6), 5.0]) is None


def test_fifty_thousand_queries_take_no_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.evaluation.significance._resampled_means", None)
    random = np.random.default_rng(1)
    before, after = random.random(50_000), random.random(50_000)
    assert compare("AP", list(before), list(after + 0.1)).p_value == 1 / 10_000  # as small as draws could show
