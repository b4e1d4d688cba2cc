"""Reliability curves: whether what a student is sure of is what helps, bin by bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.significance import Interval, ratios

BINS = 10

Floats = NDArray[np.float64]


class Points(NamedTuple):
    """What is predicted of `n` things and what was observed, each (n,), and the number of the query each belongs to."""

    predicted: Floats
    observed: Floats
    query: NDArray[np.int64]


class ReliabilityBin(NamedTuple):
    """The `n` things predicted from `low` to `high`: the mean prediction, the mean observation with its interval."""

    low: float
    high: float
    n: int
    predicted: float
    observed: Interval


@dataclass(frozen=True)
class ReliabilityCurve:
    """Predictions against what was observed, in bins of about equal count; equal predictions are never parted.

    `error` is the expected calibration error: the mean distance of a bin's two means, weighted by its count (Guo et
    al. 2017). None where both are of different units.
    """

    predicted: str
    observed: str
    bins: tuple[ReliabilityBin, ...]
    error: float | None


def curve(points: Points, names: tuple[str, str], queries: int, *, same_unit: bool, bins: int = BINS) -> ReliabilityCurve:
    """Return the curve of `points` from `queries` queries, which are resampled whole; `names` are of both axes."""
    parts = _parts(points.predicted, bins)
    counts, sums = np.zeros((len(parts), queries)), np.zeros((len(parts), queries))
    for row, part in enumerate(parts):
        np.add.at(counts[row], points.query[part], 1.0)
        np.add.at(sums[row], points.query[part], points.observed[part])
    found = []
    for part, observed in zip(parts, ratios(sums, counts), strict=True):
        assert observed is not None  # no part is empty
        values = points.predicted[part]
        found.append(ReliabilityBin(*(float(x) for x in (values[0], values[-1])), len(part), float(values.mean()), observed))
    gaps = [each.n * abs(each.predicted - each.observed.mean) for each in found]
    error = sum(gaps) / len(points.predicted) if same_unit and gaps else None
    return ReliabilityCurve(*names, tuple(found), error)


def _parts(predicted: Floats, bins: int) -> list[NDArray[np.int64]]:
    """Return positions by rising prediction, in up to `bins` parts of about equal count."""
    order = np.argsort(predicted, kind="stable")
    values = predicted[order]
    cuts = np.linspace(0, len(order), bins + 1).round().astype(int)[1:-1]
    # Equal predictions go together: a cut among them moves to where they begin.
    starts = sorted({int(np.searchsorted(values, values[cut])) for cut in cuts if cut < len(values)} - {0})
    return [part for part in np.split(order, starts) if len(part)]
