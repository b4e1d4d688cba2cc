"""Learning curve: what a student gains from more scored queries, and so whether to score more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, NamedTuple

from workbench.errors import BadSetting
from workbench.evaluation.comparison import Comparison
from workbench.evaluation.measures import PRIMARY
from workbench.progress import listener, tracked
from workbench.results import Result
from workbench.steps.compare.diff import diff
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.planning.query_subset import ExampleFilter
from workbench.steps.teach.sweep import evaluate_once
from workbench.steps.teach.train import train
from workbench.store import Store
from workbench.trainer import TrainSettings

HALVINGS = 3  # an eighth, a quarter, a half and all of the scored queries


class CurvePoint(NamedTuple):
    """A student trained on so many scored queries, compared with its base."""

    queries: int
    student: str
    gain: Comparison


@dataclass(frozen=True)
class LearningCurve(Result):
    """What students gain over their base by the number of scored queries; `last` compares the two largest."""

    columns: ClassVar = {
        "queries": "scored train queries that the student learned from",
        "student": "the student",
        "measure": "the measure",
        "mean": "its mean",
        "gain": "difference from the base",
        "low": "lower end of the difference's 95 % interval",
        "high": "upper end",
        "verdict": "whether it is better than the base",
    }

    base: str
    teacher: str
    split: str
    points: tuple[CurvePoint, ...]
    last: Comparison

    @property
    def in_words(self) -> str:
        """Return the gain at each size, and whether the largest step still brought something."""
        gains = ", ".join(f"{point.queries:,}: {point.gain.difference.signed}" for point in self.points)
        before, most = (point.queries for point in self.points[-2:])
        advice = {
            "better": "more labels still help",
            "worse": "more labels of this teacher did harm",
            "no difference shown": "more labels are not shown to help",
        }[self.last.verdict]
        return (
            f"{self.base}, taught by {self.teacher}, {self.last.measure} on {self.split} by scored queries: {gains}. "
            f"From {before:,} to {most:,}: {self.last.evidence}: {advice}{self.last.few}."
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each size."""
        return [
            (queries, student, gain.measure, gain.after.mean, gain.difference.mean, gain.difference.low,
             gain.difference.high, gain.verdict)
            for queries, student, gain in self.points
        ]  # fmt: skip


def learning_curve(
    store: Store,
    base: str,
    teacher: str = "",
    settings: TrainSettings | None = None,
    sizes: Sequence[int] = (),
    split: str = "dev",
) -> LearningCurve:
    """Train a student on ever more of a teacher's scored queries, and compare each with the base.

    The larger sets hold the smaller ones; which queries come first depends on the seed of the settings. What was
    trained or evaluated before is not done again. Each training takes as long as any other: the steps are the same.

    Parameters
    ----------
    store : Store
        The workspace.
    base : str
        The student to start from, by name or folder.
    teacher : str
        Whose utilities to train on, by name or its beginning; the only teacher unless given.
    settings : TrainSettings, optional
        How to train, the same for all sizes.
    sizes : sequence of int, optional
        Numbers of queries, two or more; an eighth, a quarter, a half and all of them unless given.
    split : str
        The split to compare on.

    Returns
    -------
    LearningCurve
        The gain over the base at each size, and what the last step brought, with intervals.

    Raises
    ------
    BadSetting
        The sizes are not two different numbers or more, from 1 to that of the scored queries.
    NothingToDo
        The teacher has scored no train query.

    Examples
    --------
    >>> curve = wb.learning_curve(store, base, "toy", wb.TrainSettings(steps=4, batch_size=4), sizes=[4, 8])
    >>> curve.to_frame()["queries"].tolist()
    [4, 8]
    """
    chosen = settings or TrainSettings()
    everything = plan(store, base, teacher or None, chosen)
    ids = sorted(
        (example.query.query_id for example in everything.examples),
        key=lambda query_id: sha256(f"{chosen.seed} {query_id}".encode()).digest(),
    )
    name, points = everything.base.name, []
    evaluate_once(store, name, split, listener())
    for size in tracked(_checked(sizes, len(ids)), "learning curve", "students"):
        planned = plan(store, base, everything.teacher, chosen, only=ExampleFilter(queries=sorted(ids[:size])))
        train(store, planned, listener())
        evaluate_once(store, planned.name, split, listener())
        points.append(CurvePoint(size, planned.name, diff(store, name, planned.name, PRIMARY, split).comparison))
    last = diff(store, points[-2].student, points[-1].student, PRIMARY, split).comparison
    return LearningCurve(name, everything.teacher, split, tuple(points), last)


def _checked(sizes: Sequence[int], most: int) -> list[int]:
    """Return the sizes in order, or the usual ones; raises BadSetting for what cannot be."""
    checked = sorted(
        set(sizes or [most >> halvings for halvings in range(HALVINGS + 1)]) - ({0} if not sizes else set())
    )
    if len(checked) < 2 or not 1 <= checked[0] <= checked[-1] <= most:
        raise BadSetting(
            f"A learning curve needs two sizes or more from 1 to {most:,}, the number of scored train queries.",
            "Example: --sizes 100,200,400",
        )
    return checked
