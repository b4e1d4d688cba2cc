"""Agreement of a teacher and a student: query by query, before and after, and the performance gap recovered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Unpack

from workbench.errors import NothingToDo
from workbench.evaluation.comparison import Comparison, comparisons_frame
from workbench.evaluation.significance import Interval, intervals
from workbench.evaluation.teacher_agreement import TEACHER_AGREEMENTS, Temperatures, agreements_of
from workbench.progress import listener
from workbench.records import Progress, Unit, approximate_in_words, stale_in_words
from workbench.results import Result, counted
from workbench.steps.compare.agreement.calibration import ReliabilityCurve, reliability_of
from workbench.steps.compare.agreement.common_pools import (
    AgreementSettings,
    Rankings,
    no_cosines,
    pools_of,
    temperatures_of,
    within,
)
from workbench.steps.compare.agreement.gap_recovered import GapRecovered, gap_frame, gap_recovered
from workbench.steps.compare.diff import compared_on, stale
from workbench.steps.compare.run_measures import Judgements
from workbench.steps.data.workspace_settings import with_settings
from workbench.store import MeasureSettings, Store, views
from workbench.store.views.scored.teacher_names import hint_to_fill

if TYPE_CHECKING:
    import pandas as pd

Values = dict[str, float | None]
AT_ONCE = 1_000  # queries between two reports of how far it is


class QueryAgreement(NamedTuple):
    """One query: how far teacher and student agree over its passages, by measure; None where that is undefined.

    `before` is empty where no student was named to compare with.
    """

    query_id: str
    text: str
    passages: int
    after: Values
    before: Values


@dataclass(frozen=True)
class TeacherAgreement(Result):
    """How far a student agrees with a teacher on the passages that the teacher scored; `before` is "" or a student.

    `rows`: the farthest from the teacher first, by KL. `undefined` counts the queries without agreement, by reason;
    `left_out` the scored pairs that one of the runs does not know. `after` are means by measure; `comparisons` pair
    the queries before and after; that of the `headline` is tested alone, the others, which are secondary, are adjusted
    for one another (Holm). `reliability` is by what was observed.
    `no_cosine` names students whose similarities the temperature was not made for. `unit` is that of the utilities.
    `drawn` says of how many queries the measured ones are a sample, "" where they are all.
    """

    columns: ClassVar = {
        "teacher": "the teacher",
        "unit": "unit of its utilities",
        "query_id": "the query, the farthest from the teacher first",
        "text": "its text",
        "passages": "over how many passages teacher and student are compared",
        **{name: measure.meaning for name, measure in TEACHER_AGREEMENTS.items()},
        **{f"{name}_before": f"the same of the student before: {name}" for name in TEACHER_AGREEMENTS},
    }

    teacher: str
    student: str
    before: str
    split: str
    temperatures: Temperatures
    rows: tuple[QueryAgreement, ...]
    undefined: dict[str, int]
    left_out: int
    after: dict[str, Interval]
    comparisons: tuple[Comparison, ...]
    reliability: dict[str, ReliabilityCurve]
    reliability_before: dict[str, ReliabilityCurve]
    gap_recovered: tuple[GapRecovered, ...]
    no_cosine: tuple[str, ...]
    stale: tuple[str, ...]
    unit: Unit = "unknown"
    approximate: tuple[str, ...] = ()
    drawn: str = ""

    @property
    def in_words(self) -> str:
        """Return the finding in sentences."""
        shown = ", ".join(f"{name} {self.after[name]}" for name in ("KL", "Kendall", "top-1"))
        drawn = ", drawn evenly" if self.drawn else ""
        words = f"{self.student} against {self.teacher}, {self.split}: {shown} over {len(self.rows):,} queries{drawn}."
        if one := self.headline:
            words += f" {self.before} has {one.measure} {one.before}: {one.evidence}: {closeness(one)}{one.few}."
        for gap in self.gap_recovered[:1]:
            words += f" {gap.in_words}"
        return words

    @property
    def headline(self) -> Comparison | None:
        """Return the comparison that says most: KL, or Kendall where a student's similarities are no cosines."""
        return next((one for one in self.comparisons if one.measure == _headline(self.no_cosine)), None)

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each query, the farthest from the teacher first."""
        return [
            (self.teacher, self.unit, row.query_id, row.text, row.passages,
             *(row.after[name] for name in TEACHER_AGREEMENTS), *(row.before.get(name) for name in TEACHER_AGREEMENTS))
            for row in self.rows
        ]  # fmt: skip

    def comparisons_frame(self) -> pd.DataFrame:
        """Return the comparisons of the student with the one before as a frame, a measure of agreement a row."""
        return comparisons_frame(self.comparisons)

    def gap_frame(self) -> pd.DataFrame:
        """Return the performance gap recovered as a frame, a measure a row."""
        return gap_frame(self.gap_recovered)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return what to know before believing it: what was left out, and what is stale or no cosine."""
        remarks = [self.drawn] if self.drawn else []
        if self.undefined:
            reasons = ", ".join(f"{number:,} with {reason}" for reason, number in self.undefined.items())
            remarks.append(f"Agreement is undefined for {counted(sum(self.undefined.values()), 'query')}: {reasons}.")
        if self.left_out:
            remarks.append(f"{self.left_out:,} scored pairs are left out: one of the runs does not know them.")
        for name in self.no_cosine:
            remarks.append(f"Similarities of {name} are no cosines: its KL, JS and probabilities mean little.")
        for name in self.stale:
            remarks.append(stale_in_words(name))
        remarks += self.approximate
        return tuple(remarks)


def _headline(no_cosine: Sequence[str]) -> str:
    return "Kendall" if no_cosine else "KL"


def closeness(comparison: Comparison) -> str:
    """Return the verdict on a measure of agreement, in words: less divergence or regret is closer."""
    words = {"better": "closer to the teacher", "worse": "farther from the teacher"}
    return words.get(comparison.verdict, comparison.verdict)


def teacher_agreement(
    store: Store,
    student: str,
    teacher: str = "",
    split: str = "test",
    before: str = "",
    settings: AgreementSettings | None = None,
    **measured_by: Unpack[MeasureSettings],
) -> TeacherAgreement:
    """Compare a student's similarities with a teacher's utilities, and, with a student `before`, both students.

    A query's pool are the passages that the teacher scored and every run named here knows, so that all are compared
    over the same. With fewer than two, or all of the same utility, agreement is undefined, and the query is counted.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        A student that was evaluated on the split.
    teacher : str
        The teacher, by name or its beginning; the one with the most utilities unless given.
    split : str
        The split whose queries are compared.
    before : str
        A student to compare with, such as the base; none unless given.
    settings : AgreementSettings, optional
        The temperatures of both softmaxes, and how many of the queries are measured: 2,000 unless given.
    **measured_by : optional
        `relevance` and `without_relevant` in place of the workspace's, see `WorkspaceSettings`.

    Returns
    -------
    TeacherAgreement
        The measures of agreement by query and in the mean, reliability curves and, with `before`, comparisons and the
        performance gap recovered.

    Raises
    ------
    UnknownName
        There is no such teacher.
    NothingToDo
        A student has no run on the split, or shares no query with the teacher.
    BadSetting
        A temperature is not above 0, or a setting cannot be; or no teacher is named, and several have scored.

    Examples
    --------
    >>> agreement = wb.teacher_agreement(store, "student", "toy", before=base)
    >>> len(agreement.rows)
    8
    >>> agreement.comparisons_frame()["measure"].tolist()[:3]
    ['KL', 'JS', 'Spearman']
    """
    store = with_settings(store, **measured_by)
    name = views.find_teacher(store, teacher)
    runs = [views.find_run(store, one, split) for one in filter(None, (student, before))]
    settings = settings or AgreementSettings()
    measured = views.drawn_queries(store, [name], split, settings.queries)
    scored = views.scored_orders(store, name, measured.query_ids)
    similarities = [views.scored_similarities(store, name, run, measured.query_ids) for run in runs]
    pools, undefined = pools_of(scored, similarities)
    if not pools:
        raise NothingToDo(
            f"{name} and {' and '.join(run.student for run in runs)} share no query of the {split} split over "
            "whose passages they can be compared.",
            f"{hint_to_fill(name, split)} Evaluate the students there too.",
        )
    temperatures = temperatures_of(store, name, split, settings)
    unit = views.teacher_unit(store, name)
    utilities = {query_id: within(scored[query_id], ids) for query_id, ids in pools.items()}
    sides = [{query_id: within(side[query_id], ids) for query_id, ids in pools.items()} for side in similarities]
    values = [_values(utilities, side, temperatures) for side in sides]
    judgements = Judgements.of(store, split)
    curves = [reliability_of(utilities, side, temperatures, judgements, unit) for side in sides]
    no_cosine = tuple(run.student for run, side in zip(runs, sides, strict=True) if no_cosines(side))
    return TeacherAgreement(
        teacher=name,
        student=runs[0].student,
        before=runs[1].student if runs[1:] else "",
        split=split,
        temperatures=temperatures,
        rows=_rows(store, values, pools),
        undefined=dict(undefined),
        left_out=sum(len(scored[query_id]) - len(ids) for query_id, ids in pools.items()),
        after=_means(values[0]),
        comparisons=_compared(values[1], values[0], _headline(no_cosine)) if runs[1:] else (),
        reliability=curves[0],
        reliability_before=curves[1] if runs[1:] else {},
        gap_recovered=gap_recovered(judgements, sides[1], sides[0], utilities) if runs[1:] else (),
        no_cosine=no_cosine,
        stale=stale(store, *runs),
        approximate=approximate_in_words(runs),
        unit=unit,
        drawn=measured.in_words,
    )


def _values(utilities: Rankings, side: Rankings, temperatures: Temperatures) -> dict[str, Values]:
    """Return the measures of each query, some queries at a time, and report how far that is."""
    ids = list(side)
    values: dict[str, Values] = {}
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        of_teacher = [dict(utilities[query_id]) for query_id in part]
        of_student = [side[query_id] for query_id in part]
        values |= dict(zip(part, agreements_of(of_teacher, of_student, temperatures), strict=True))
        listener()(Progress("compare", len(values), len(ids), "queries"))
    return values


def _rows(
    store: Store, values: Sequence[Mapping[str, Values]], pools: Mapping[str, set[str]]
) -> tuple[QueryAgreement, ...]:
    texts = {query.query_id: query.text for query in views.queries(store, ids=pools, known_by_id=True)}
    rows = [
        QueryAgreement(q, texts[q], len(pool), values[0][q], values[1][q] if values[1:] else {})
        for q, pool in pools.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-(row.after["KL"] or 0.0), row.query_id)))


def _means(values: Mapping[str, Values]) -> dict[str, Interval]:
    series = {name: [v for of in values.values() if (v := of[name]) is not None] for name in TEACHER_AGREEMENTS}
    # Series over the same queries share their resamples, which is what costs.
    whole = [name for name, numbers in series.items() if len(numbers) == len(values)]
    means = dict(zip(whole, intervals([series[name] for name in whole]), strict=True))
    return {name: means.get(name) or intervals([numbers])[0] for name, numbers in series.items()}


def _compared(before: Mapping[str, Values], after: Mapping[str, Values], primary: str) -> tuple[Comparison, ...]:
    """Compare both students on every measure of agreement over the queries where both have a value."""
    sides: tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]] = ({}, {})
    for name in TEACHER_AGREEMENTS:
        pairs = {q: (before[q][name], after[q][name]) for q in after}
        for place, side in enumerate(sides):
            side[name] = {q: pair[place] or 0.0 for q, pair in pairs.items() if None not in pair}
    lower_is_closer = [name for name, measure in TEACHER_AGREEMENTS.items() if not measure.higher_is_closer]
    return compared_on(tuple(TEACHER_AGREEMENTS), *sides, lower_is_closer, primary)
