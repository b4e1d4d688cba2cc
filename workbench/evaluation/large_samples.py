"""Bootstrap intervals and randomisation tests of many queries, by their expansions in place of random draws.

Resampling draws n values for each of thousands of resamples; of tens of thousands of queries that takes minutes. What
the draws approximate is known: the bootstrap distribution of a mean has the sample's cumulants, and its quantiles
follow from them (Cornish and Fisher 1938; Hall 1992, chapter 2), as does the distribution of a sum of values with
random signs. From `MANY` values on the error of either is below that of the draws.
"""

from __future__ import annotations

from math import exp, pi, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

MANY = 2_000
MOST_SKEWED = 0.01  # the squared skewness, and the excess kurtosis, of the mean up to which the expansions hold
FEW_DIFFERENT = 10  # values a different one: drawing a count takes as long as drawing so many values
RESAMPLES = 9_999
SEED = 20_422_722  # any fixed number: the same values always give the same interval

Values = NDArray[np.float64]


def mean_limits(sample: Values, level: float = 0.95) -> tuple[float, float] | None:
    """Return the percentile bootstrap interval of the mean of `sample`, shape (n,).

    Where a few values stand out, so that the expansion fails, it is how often each value comes that is drawn. None
    where there are too few values, or too many different ones for that.
    """
    n = len(sample)
    centred = sample - sample.mean()
    deviation = float(np.sqrt(np.mean(centred**2)))
    if n < MANY or deviation == 0:
        return None
    skewness = float(np.mean(centred**3)) / deviation**3 / sqrt(n)
    kurtosis = (float(np.mean(centred**4)) / deviation**4 - 3) / n
    if skewness**2 > MOST_SKEWED or abs(kurtosis) > MOST_SKEWED:
        return _by_counts(sample, level)
    mean, error, z = float(sample.mean()), deviation / sqrt(n), NormalDist().inv_cdf((1 + level) / 2)
    low, high = (_quantile(at, skewness, kurtosis) for at in (-z, z))
    return mean + error * low, mean + error * high


def _by_counts(sample: Values, level: float) -> tuple[float, float] | None:
    """Return the limits by drawing the counts of the different values, which is as good as drawing the values."""
    n, (values, counts) = len(sample), np.unique(sample, return_counts=True)
    if len(values) * FEW_DIFFERENT > n:
        return None
    drawn = np.random.default_rng(SEED).multinomial(n, counts / n, size=RESAMPLES) @ values / n
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _quantile(z: float, skewness: float, kurtosis: float) -> float:
    """Return the quantile of a standardised variable whose normal quantile is `z` (Cornish and Fisher)."""
    by_skewness = (z**2 - 1) * skewness / 6 - (2 * z**3 - 5 * z) * skewness**2 / 36
    return z + by_skewness + (z**3 - 3 * z) * kurtosis / 24


def random_signs_p(moved: Values) -> float | None:
    """Return how likely values with random signs add up to as much as `moved`, shape (m,), in either direction.

    Where all are of one size this is the sign test; None where they are too few, or too unequal, for the expansion.
    """
    if len(moved) < MANY:
        return None
    sizes = np.abs(moved)
    if sizes.max() - sizes.min() <= 1e-9 * sizes.max():
        from scipy.special import bdtr

        fewer = min(int(np.sum(moved > 0)), int(np.sum(moved < 0)))
        return min(1.0, 2 * float(bdtr(fewer, len(moved), 0.5)))
    squares = sizes**2
    kurtosis = -2 * float(np.sum(squares**2)) / float(np.sum(squares)) ** 2
    if abs(kurtosis) > MOST_SKEWED:
        return None
    x = abs(float(moved.sum())) / sqrt(float(np.sum(squares)))
    tail = NormalDist().cdf(-x) + exp(-(x**2) / 2) / sqrt(2 * pi) * kurtosis / 24 * (x**3 - 3 * x)  # Edgeworth
    return min(1.0, max(0.0, 2 * tail))
