"""What is odd about scores that came from elsewhere: ties, constants, missing pairs, ranges that no scale has."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.records import GRADES, Unit
from workbench.store import Store, views
from workbench.store.views import ScoreSummary

BOUNDS: dict[Unit, tuple[float, float]] = {"probability": (0.0, 1.0), "grade": (float(GRADES[0]), float(GRADES[-1]))}
MANY_TIED = 0.2  # share of the queries
OUTLYING = 1_000.0  # times the median magnitude: sums beside means, or a mark for what is missing, such as -9999


def score_checks(store: Store, teachers: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for each thing that is odd about these teachers' utilities."""
    units = {counted.teacher: counted.unit for counted in views.teachers(store)}
    return tuple(
        sentence
        for teacher in sorted(set(teachers) & set(units))
        for sentence in _sentences(teacher, views.score_summary(store, teacher), units[teacher])
    )


def _sentences(teacher: str, scores: ScoreSummary, unit: Unit) -> Iterable[str]:
    of = f"of {scores.ranked:,} queries"
    if scores.constant:
        yield f"{teacher} gives all passages of a query the same utility in {scores.constant:,} {of}: nothing to learn."
    if (tied := scores.tied - scores.constant) > MANY_TIED * scores.ranked:
        yield f"{teacher} puts several passages first in {tied:,} {of}."
    if scores.missing:
        yield (
            f"{teacher} lacks {scores.missing:,} candidates of {scores.incomplete:,} queries that it has scored: they "
            "are missing, not 0."
        )
    low, high = BOUNDS.get(unit, (scores.lowest, scores.highest))
    if scores.lowest < low or scores.highest > high:
        yield (
            f"{teacher} ranges from {scores.lowest:g} to {scores.highest:g}, which in the unit {unit!r} should be "
            f"{low:g} to {high:g}."
        )
    largest = max(abs(scores.lowest), abs(scores.highest))
    if scores.typical and largest > OUTLYING * scores.typical:
        yield (
            f"{teacher} has a utility of magnitude {largest:g}, where {scores.typical:g} is usual: is it a score, or a "
            "mark for what is missing?"
        )
