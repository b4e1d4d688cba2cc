"""Calibration: whether a student's probabilities are those of what is observed, as reliability curves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.evaluation.divergences import probabilities, standardised
from workbench.evaluation.significance import Interval, ratios
from workbench.evaluation.teacher_agreement import Temperatures
from workbench.records import Unit, useful_above
from workbench.results import Result
from workbench.steps.compare.run_measures import Judgements

BINS = 10
FIRST = "probability the student gives its first passage"

Floats = NDArray[np.float64]
# query_id -> [(passage_id, value)]
Rankings = Mapping[str, Sequence[tuple[str, float]]]


class Points(NamedTuple):
    """What is predicted of `n` things and what was observed, each (n,), and the number of the query each belongs to."""

    predicted: Floats
    observed: Floats
    query: NDArray[np.int64]


class Observed(NamedTuple):
    """The points of a curve, the names of both axes, and whether these are of one unit."""

    points: Points
    names: tuple[str, str]
    same_unit: bool = False


class ReliabilityBin(NamedTuple):
    """The `n` things predicted from `low` to `high`: the mean prediction, the mean observation with its interval."""

    low: float
    high: float
    n: int
    predicted: float
    observed: Interval


@dataclass(frozen=True)
class ReliabilityCurve(Result):
    """Predictions against what was observed, in bins of about equal count; equal predictions are never parted.

    `error` is the expected calibration error: the mean distance of a bin's two means, weighted by its count (Guo et
    al. 2017). None where both are of different units.
    """

    columns: ClassVar = {
        "predicted_name": "what is predicted",
        "observed_name": "what is observed",
        "low": "lowest prediction of the bin",
        "high": "highest prediction",
        "n": "number of predictions",
        "predicted": "mean prediction",
        "observed": "mean observation",
        "observed_low": "lower end of its 95 % interval",
        "observed_high": "upper end",
        "error": "expected calibration error of the whole curve; missing where both are of different units",
    }

    predicted: str
    observed: str
    bins: tuple[ReliabilityBin, ...]
    error: float | None

    @property
    def in_words(self) -> str:
        """Return the axes and the calibration error."""
        number = sum(one.n for one in self.bins)
        error = "" if self.error is None else f"; expected calibration error {self.error:.3f}"
        return f"{self.observed} against {self.predicted}, {number:,} predictions{error}."

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each bin."""
        return [
            (self.predicted, self.observed, one.low, one.high, one.n, one.predicted, one.observed.mean,
             one.observed.low, one.observed.high, self.error)
            for one in self.bins
        ]  # fmt: skip


def reliability_of(
    utilities: Rankings,
    similarities: Rankings,
    temperatures: Temperatures,
    judgements: Judgements,
    unit: Unit = "unknown",
) -> dict[str, ReliabilityCurve]:
    """Return the curves of a student, its rankings in its own order, by what is observed.

    Of its first passage, whose softmax probability is predicted: the `teacher`'s probability, whether it is `relevant`
    (on judged queries; not judged is not relevant, as for measures) and whether it is `useful`. Of all pairs: the
    `utility`, in the teacher's `unit`, by similarity with mean 0 and deviation 1 per query.
    """
    line = useful_above(unit)
    observed_useful = f"share with utility above {line:g}"
    observed_utility = "mean utility, unit unknown" if unit == "unknown" else f"mean utility, {unit}"
    relevant, judged = judgements.relevant, judgements.judged
    firsts: list[tuple[float, float, float, float]] = []
    places: list[int] = []
    scores: list[tuple[float, float]] = []
    for row, (query_id, ranked) in enumerate(similarities.items()):
        of_teacher, first = dict(utilities[query_id]), ranked[0][0]
        of_student = probabilities([value for _, value in ranked], temperatures.student)
        p = probabilities([of_teacher[name] for name, _ in ranked], temperatures.teacher)
        is_relevant = float((query_id, first) in relevant) if query_id in judged else np.nan
        firsts.append((float(of_student[0]), float(p[0]), is_relevant, float(of_teacher[first] > line)))
        scores += [(value, of_teacher[name]) for name, value in standardised(ranked)]
        places += [row] * len(ranked)
    q, p, relevance, useful = np.array(firsts).T
    of_all, queries = np.arange(len(q)), len(q)
    has = ~np.isnan(relevance)
    pairs = np.array(scores).T
    first_ones = Points(q, p, of_all)
    observed = {
        "teacher": Observed(first_ones, (FIRST, "probability the teacher gives it"), same_unit=True),
        "useful": Observed(first_ones._replace(observed=useful), (FIRST, observed_useful)),
        "utility": Observed(
            Points(pairs[0], pairs[1], np.array(places)),
            ("similarity, mean 0 and deviation 1 per query", observed_utility),
        ),
    }
    if has.any():
        judged_ones = Points(q[has], relevance[has], of_all[has])
        observed["relevant"] = Observed(judged_ones, (FIRST, "share that is relevant"), same_unit=True)
    return curves(observed, queries)


def curves(observed: Mapping[str, Observed], queries: int, bins: int = BINS) -> dict[str, ReliabilityCurve]:
    """Return the curves of points from `queries` queries, which are resampled whole, and for all curves at once."""
    parts = {name: _parts(one.points.predicted, bins) for name, one in observed.items()}
    binned = [(observed[name].points, part) for name, of_curve in parts.items() for part in of_curve]
    counts = [np.bincount(points.query[part], minlength=queries) for points, part in binned]
    sums = [np.bincount(points.query[part], points.observed[part], minlength=queries) for points, part in binned]
    means = iter(ratios(np.reshape(sums, (len(binned), queries)), np.reshape(counts, (len(binned), queries))))
    return {name: _curve(one, parts[name], means) for name, one in observed.items()}


def _curve(
    observed: Observed, parts: Sequence[NDArray[np.int64]], means: Iterator[Interval | None]
) -> ReliabilityCurve:
    predicted = observed.points.predicted
    filled = []
    for part in parts:
        mean, values = next(means), predicted[part]
        assert mean is not None  # no part is empty
        span = float(values[0]), float(values[-1])
        filled.append(ReliabilityBin(span[0], span[1], len(part), float(values.mean()), mean))
    gaps = [one.n * abs(one.predicted - one.observed.mean) for one in filled]
    error = sum(gaps) / len(predicted) if observed.same_unit and gaps else None
    return ReliabilityCurve(*observed.names, tuple(filled), error)


def _parts(predicted: Floats, bins: int) -> list[NDArray[np.int64]]:
    """Return positions by rising prediction, in up to `bins` parts of about equal count."""
    order = np.argsort(predicted, kind="stable")
    values = predicted[order]
    cuts = np.linspace(0, len(order), bins + 1).round().astype(int)[1:-1]
    # Equal predictions go together: a cut among them moves to where they begin.
    starts = sorted({int(np.searchsorted(values, values[cut])) for cut in cuts if cut < len(values)} - {0})
    return [part for part in np.split(order, starts) if len(part)]
