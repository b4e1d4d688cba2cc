"""Teacher health: what a teacher's utilities look like, and whether they are fit to teach a student."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Unpack

from workbench.errors import BadSetting, NothingToDo
from workbench.evaluation.comparison import Comparison
from workbench.evaluation.significance import Interval
from workbench.records import Run, Unit
from workbench.results import Result, frame
from workbench.steps.compare.health import rules
from workbench.steps.compare.health.figures import (
    FIGURES,
    against_qrels,
    agreement_figures,
    answer_length,
    answer_position,
    shape_figures,
)
from workbench.steps.compare.health.rules import Fitness
from workbench.steps.data.frames import known_split
from workbench.steps.data.workspace_settings import with_settings
from workbench.store import MeasureSettings, Store, views
from workbench.store.views import PairCounts, UtilityShape
from workbench.store.views.scored.teacher_names import asked_teachers, hint_to_fill

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class HealthSettings:
    """At which temperature utilities are looked at, and of how many queries.

    `temperature` divides utilities before the softmax whose entropy is measured; None is the median spread of a query's
    utilities, as in training. Of more than `queries` an even sample is measured, the same one each time.
    """

    temperature: float | None = None
    queries: int = views.MOST_QUERIES

    def __post_init__(self) -> None:
        if self.temperature is not None and not 0 < self.temperature < float("inf"):
            raise BadSetting(f"The temperature is {self.temperature:g}.", "Choose a number above 0.")
        views.must_measure_some(self.queries)


@dataclass(frozen=True)
class TeacherHealth(Result):
    """What a teacher's utilities look like, and whether they are fit to teach a student; `split` None is all queries.

    `figures` are means over queries by name, `shapes` the single queries behind them. `lead` compares the student
    (before) with the teacher (after) over the passages that both know; None without a student or judged queries.
    `against` says why the teacher is not fit, `doubts` why it cannot be shown to be, `remarks` what else to know.
    """

    columns: ClassVar = {
        "teacher": "the teacher",
        "unit": "unit of its utilities",
        "figure": "what is measured",
        "mean": "mean over queries; of a correlation over queries, the correlation",
        "low": "lower end of its 95 % interval",
        "high": "upper end",
        "queries": "over how many queries",
        "meaning": "what it means",
    }

    teacher: str
    unit: Unit
    split: str | None
    student: str
    other: str
    temperature: float
    counts: PairCounts
    figures: dict[str, Interval]
    lead: Comparison | None
    against: tuple[str, ...]
    doubts: tuple[str, ...]
    remarks: tuple[str, ...]
    shapes: tuple[UtilityShape, ...] = field(repr=False)

    @property
    def fitness(self) -> Fitness:
        """Return the verdict."""
        return rules.fitness(self.against, self.doubts)

    @property
    def in_words(self) -> str:
        """Return whether the teacher is fit to teach, and what that rests on."""
        whom = f" {self.student}" if self.student else ""
        if self.against:
            return f"{self.teacher} is not fit to teach{whom}: {'; '.join(self.against)}."
        if self.doubts:
            return f"{self.teacher} is not shown to be fit to teach{whom}: {'; '.join(self.doubts)}."
        lead = f", and it ranks the same passages better: {self.lead.measure} {self.lead.evidence}" if self.lead else ""
        return f"{self.teacher} is fit to teach{whom}: AUC {self.figures['AUC']} against the qrels{lead}."

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each figure."""
        return [
            (self.teacher, self.unit, name, one.mean, one.low, one.high, one.n, FIGURES[name])
            for name, one in self.figures.items()
        ]

    def shapes_frame(self) -> pd.DataFrame:
        """Return the single queries as a frame, with the teacher: what `UtilityShape` says of each."""
        return frame(("teacher", *UtilityShape._fields), [(self.teacher, *shape) for shape in self.shapes])


def teacher_health(
    store: Store,
    teacher: str = "",
    split: str | None = None,
    settings: HealthSettings | None = None,
    student: str = "",
    other: str = "",
    **measured_by: Unpack[MeasureSettings],
) -> TeacherHealth:
    """Look at a teacher's utilities, and say whether they are fit to teach a student, or why not.

    Not fit is a teacher of which more than 20 % of the pairs failed; that puts more than half of the passages first in
    more than half of the queries; whose order has a rank correlation beyond 0.5 with the length or the place of
    passages, or with where the answer stands in them; or that hardly tells relevant passages from others (AUC of 0.55
    or less). Not shown to be fit is one that is not shown to rank the same passages better than the student (nDCG@10),
    is measured on fewer than 20 queries, or has no qrels to be held against.

    Parameters
    ----------
    store : Store
        The workspace.
    teacher : str
        The teacher, by name or its beginning; the only one unless given.
    split : str, optional
        Only the queries of this split; all unless given.
    settings : HealthSettings, optional
        The temperature of the softmax whose entropy is measured, and how many of the queries are: 2,000 unless given.
    student : str
        The student to be taught, evaluated on the split; without one the lead over it is not asked for.
    other : str
        Another teacher to measure agreement with, by name or its beginning.
    **measured_by : optional
        `relevance` and `without_relevant` in place of the workspace's, see `WorkspaceSettings`.

    Returns
    -------
    TeacherHealth
        The figures with their intervals, and the verdict in a sentence.

    Raises
    ------
    UnknownName
        There is no such teacher or split.
    NothingToDo
        The teacher has scored no query of the split, or the student has no run there.
    BadSetting
        Several teachers have names that begin so, or a setting cannot be.

    Examples
    --------
    >>> health = wb.teacher_health(store, "toy", student="student")
    >>> health.fitness, health.figures["AUC"].mean
    ('fit', 1.0)
    >>> health.to_frame()["figure"].tolist()[:3]
    ['effective passages', 'entropy', 'margin']
    """
    store, settings = with_settings(store, **measured_by), settings or HealthSettings()
    name, split = views.find_teacher(store, teacher), known_split(split)
    runs = _runs(store, student, split)
    divisor = settings.temperature or views.median_spread(store, name, split) or 1.0
    measured = views.drawn_queries(store, [name], split, settings.queries)
    if not (query_ids := measured.query_ids):
        of_split = f" of the {split} split" if split else ""
        raise NothingToDo(f"{name} has scored no query{of_split}.", hint_to_fill(name, split))
    shapes = views.utility_shapes(store, name, query_ids, divisor)
    counts = views.pair_counts(store, name, split)
    ndcg, lead = against_qrels(store, name, query_ids, runs)
    figures = shape_figures(shapes) | ndcg
    figures |= answer_position(store, name, query_ids) | answer_length(store, name, query_ids)
    if second := views.find_teacher(store, other) if other else "":
        shared = views.drawn_queries(store, [name, second], split, settings.queries)
        figures |= agreement_figures(store, (name, second), shared.query_ids)
    failed = counts.failures / (counts.failures + counts.scored)
    return TeacherHealth(
        teacher=name,
        unit=views.teacher_unit(store, name),
        split=split,
        student=student,
        other=second,
        temperature=divisor,
        counts=counts,
        figures={figure: figures[figure] for figure in FIGURES if figure in figures},
        lead=lead,
        against=rules.reasons_against(figures, failed),
        doubts=rules.doubts(figures, len(shapes), lead),
        remarks=(*filter(None, [measured.in_words]), *_of_sources(name, counts), *rules.remarks(figures)),
        shapes=tuple(shapes),
    )


def _of_sources(teacher: str, counts: PairCounts) -> list[str]:
    """Return whose failures those of a derived teacher are."""
    sources = asked_teachers(teacher)
    if sources == (teacher,) or not counts.failures:
        return []
    return [f"It is computed from utilities of {' and '.join(sources)}, and its failures are theirs."]


def _runs(store: Store, student: str, split: str | None) -> list[Run]:
    """Return the student's runs of the split, or of every split; raises NothingToDo where there are none."""
    if not student:
        return []
    if split:
        return [views.find_run(store, student, split)]
    by_split = {run.split: run for run in views.runs(store) if run.student == student}
    return list(by_split.values()) or [views.find_run(store, student, "test")]
