"""Calibration: whether a student's probabilities are those of what is observed, as reliability curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
        observed = float((query_id, first) in relevant) if query_id in judged else np.nan
        firsts.append((float(of_student[0]), float(p[0]), observed, float(of_teacher[first] > line)))
        scores += [(value, of_teacher[name]) for name, value in standardised(ranked)]
        places += [row] * len(ranked)
    q, p, is_relevant, useful = np.array(firsts).T
    of_all, queries = np.arange(len(q)), len(q)
    has = ~np.isnan(is_relevant)
    pairs = np.array(scores).T
    curves = {
        "teacher": curve(Points(q, p, of_all), (FIRST, "probability the teacher gives it"), queries, same_unit=True),
        "useful": curve(Points(q, useful, of_all), (FIRST, observed_useful), queries, same_unit=False),
        "utility": curve(
            Points(pairs[0], pairs[1], np.array(places)),
            (
                "similarity, mean 0 and deviation 1 per query",
                observed_utility,
            ),
            queries,
            same_unit=False,
        ),
    }
    if has.any():
        points = Points(q[has], is_relevant[has], of_all[has])
        curves["relevant"] = curve(points, (FIRST, "share that is relevant"), queries, same_unit=True)
    return curves


def curve(
    points: Points, names: tuple[str, str], queries: int, *, same_unit: bool, bins: int = BINS
) -> ReliabilityCurve:
    """Return the curve of `points` from `queries` queries, which are resampled whole; `names` are of both axes."""
    parts = _parts(points.predicted, bins)
    counts, sums = np.zeros((len(parts), queries)), np.zeros((len(parts), queries))
    for row, part in enumerate(parts):
        np.add.at(counts[row], points.query[part], 1.0)
        np.add.at(sums[row], points.query[part], points.observed[part])
    filled = []
    for part, observed in zip(parts, ratios(sums, counts), strict=True):
        assert observed is not None  # no part is empty
        values = points.predicted[part]
        span = float(values[0]), float(values[-1])
        filled.append(ReliabilityBin(span[0], span[1], len(part), float(values.mean()), observed))
    gaps = [one.n * abs(one.predicted - one.observed.mean) for one in filled]
    error = sum(gaps) / len(points.predicted) if same_unit and gaps else None
    return ReliabilityCurve(*names, tuple(filled), error)


def _parts(predicted: Floats, bins: int) -> list[NDArray[np.int64]]:
    """Return positions by rising prediction, in up to `bins` parts of about equal count."""
    order = np.argsort(predicted, kind="stable")
    values = predicted[order]
    cuts = np.linspace(0, len(order), bins + 1).round().astype(int)[1:-1]
    # Equal predictions go together: a cut among them moves to where they begin.
    starts = sorted({int(np.searchsorted(values, values[cut])) for cut in cuts if cut < len(values)} - {0})
    return [part for part in np.split(order, starts) if len(part)]
