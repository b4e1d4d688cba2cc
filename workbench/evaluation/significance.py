"""How sure a mean or a difference of means is: bootstrap intervals, paired tests, and Holm's correction of many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.evaluation.large_samples import RESAMPLES, SEED, mean_limits, random_signs_p

BATCH_CELLS = 4_000_000  # resampled values held at once, 32 MB
HELD_CELLS = 30_000_000  # of the resamples of as many queries as last time, 30 MB; more are drawn anew each time


@dataclass(frozen=True)
class Interval:
    """A mean, or a ratio of means, over `n` queries with its 95 % bootstrap interval (percentile, over queries)."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def signed(self) -> str:
        """Return a difference with its sign and its interval."""
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    def shifted(self, by: float) -> Interval:
        """Return the interval of the mean of the same values, `by` added to each."""
        return Interval(self.mean + by, self.low + by, self.high + by, self.n)


def interval(values: ArrayLike) -> Interval:
    """Return the mean of `values`, shape (n,), with its 95 % percentile bootstrap interval."""
    return intervals(np.asarray(values, dtype=np.float64)[None])[0]


def intervals(series: ArrayLike) -> list[Interval]:
    """Return the means of several series over the same queries, shape (s, n), with their 95 % intervals.

    The same resamples serve all: what costs is drawing them, and a resampled mean is a product with how often each
    query was drawn. Of many queries the limits are computed without draws. The tests hold them to scipy's.
    """
    samples: NDArray[np.float64] = np.asarray(series, dtype=np.float64)
    count, n = samples.shape
    if n == 0:
        return [Interval(0.0, 0.0, 0.0, 0)] * count
    means = samples.mean(axis=1).tolist()
    limits = [(mean, mean) if np.ptp(one) == 0 else mean_limits(one) for one, mean in zip(samples, means, strict=True)]
    if drawn := [row for row, of_row in enumerate(limits) if of_row is None]:
        quantiles = np.quantile(_resampled_means(samples[drawn]), [0.025, 0.975], axis=0).T.tolist()
        for row, (low, high) in zip(drawn, quantiles, strict=True):
            limits[row] = low, high
    return [Interval(mean, low, high, n) for mean, (low, high) in zip(means, filter(None, limits), strict=True)]


def intervals_of(series: Mapping[str, Sequence[float]]) -> dict[str, Interval]:
    """Return the same by name; series over as many queries share their resamples."""
    names_by_length: dict[int, list[str]] = {}
    for name, values in series.items():
        names_by_length.setdefault(len(values), []).append(name)
    means = {
        name: mean
        for names in names_by_length.values()
        for name, mean in zip(names, intervals([series[name] for name in names]), strict=True)
    }
    return {name: means[name] for name in series}


def ratios(numerators: ArrayLike, denominators: ArrayLike) -> list[Interval | None]:
    """Return the ratios of the sums of two series over the same queries, both (s, n), with their 95 % intervals.

    A query may weigh as much as it likes, so that pairs are resampled with the query they belong to. None where the
    denominators add up to 0; resamples in which they do are left out.
    """
    upper: NDArray[np.float64] = np.asarray(numerators, dtype=np.float64)
    lower: NDArray[np.float64] = np.asarray(denominators, dtype=np.float64)
    if upper.shape[1] == 0:
        return [None] * len(upper)
    drawn = _resampled_means(np.concatenate([upper, lower]))
    tops, bottoms = drawn[:, : len(upper)], drawn[:, len(upper) :]
    ratio_intervals: list[Interval | None] = []
    for row, (top, bottom) in enumerate(zip(tops.T, bottoms.T, strict=True)):
        if lower[row].sum() == 0:
            ratio_intervals.append(None)
            continue
        low, high = np.quantile(top[bottom != 0] / bottom[bottom != 0], [0.025, 0.975])
        of_all = float(upper[row].sum() / lower[row].sum())
        ratio_intervals.append(Interval(of_all, float(low), float(high), lower.shape[1]))
    return ratio_intervals


@lru_cache(maxsize=1)
def _times_drawn(n: int) -> NDArray[np.uint8]:
    """Return how often each of `n` queries is in each resample, (RESAMPLES, n): drawn once for all that are as many."""
    return np.concatenate([times.astype(np.uint8) for times in _draws(n)])


def _draws(n: int) -> Iterator[NDArray[np.int64]]:
    """Yield how often each query is in a resample, some resamples at a time."""
    random, step = np.random.default_rng(SEED), max(1, BATCH_CELLS // n)
    for start in range(0, RESAMPLES, step):
        size = min(step, RESAMPLES - start)
        # Each resample counts in bins of its own, so that one bincount serves the batch.
        drawn = random.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)


def _resampled_means(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of `samples` (s, n) over resampled queries, shape (RESAMPLES, s)."""
    n = samples.shape[1]
    step = max(1, BATCH_CELLS // n)
    # A byte holds how often a query is drawn: at most n times, and of many queries about once.
    held = _times_drawn(n) if n * RESAMPLES <= HELD_CELLS else None
    drawn = _draws(n) if held is None else (held[start : start + step] for start in range(0, RESAMPLES, step))
    return np.concatenate([times.astype(np.float64) @ samples.T / n for times in drawn])


def randomisation_test(differences: ArrayLike) -> float:
    """Return the two-sided p-value of the paired randomisation test (Fisher; Smucker et al. 2007).

    The signs of the per-query differences, shape (n,), are flipped: in every way where those are few, else at random,
    and then the observed arrangement counts as one of them, so that p is never 0. Of many differences p is computed
    without draws, and is no smaller than draws could show.
    """
    sample: NDArray[np.float64] = np.asarray(differences, dtype=np.float64)
    moved = sample[sample != 0]  # a zero keeps its value under any sign
    if len(moved) == 0:
        return 1.0
    if (p_value := random_signs_p(moved)) is not None:
        return max(p_value, 1 / (RESAMPLES + 1))
    if 2 ** min(len(moved), 60) <= RESAMPLES:
        every = np.array(list(product((-1.0, 1.0), repeat=len(moved))))
        return float(np.mean(_as_extreme(every @ moved, moved)))
    random = np.random.default_rng(SEED)
    extreme = 0
    for start in range(0, RESAMPLES, step := max(1, BATCH_CELLS // len(moved))):
        # Fifty times as fast as scipy's permutation_test, which the tests hold it to: a diff asks for it per measure.
        signs = random.choice((-1.0, 1.0), size=(min(step, RESAMPLES - start), len(moved)))
        extreme += int(np.sum(_as_extreme(signs @ moved, moved)))
    return (extreme + 1) / (RESAMPLES + 1)


def _as_extreme(sums: NDArray[np.float64], observed: NDArray[np.float64]) -> NDArray[np.bool_]:
    # Sums in another order differ in their last digits; equal is equal all the same.
    extreme: NDArray[np.bool_] = np.abs(sums) >= abs(observed.sum()) * (1 - 1e-12)
    return extreme


def t_test(differences: ArrayLike) -> float:
    """Return the two-sided p-value of the paired t-test on per-query differences, shape (n,).

    1 where nothing can be shown (fewer than two queries, or none that moved); 0 where all moved by the same.
    """
    from scipy.special import stdtr  # scipy.stats takes a second to import

    sample: NDArray[np.float64] = np.asarray(differences, dtype=np.float64)
    if len(sample) < 2 or not sample.any():
        return 1.0
    if np.ptp(sample) == 0:
        return 0.0
    t = sample.mean() / (sample.std(ddof=1) / np.sqrt(len(sample)))
    return float(2 * stdtr(len(sample) - 1, -abs(t)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for being many, in the order given (Holm 1979): never smaller, at most 1."""
    adjusted_p, least = [1.0] * len(p_values), 0.0
    for step, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, p_values[place] * (len(p_values) - step)))
        adjusted_p[place] = least
    return adjusted_p
