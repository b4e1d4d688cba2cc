"""Many runs on one split, query by query, and each against a baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Unpack

from workbench.errors import BadSetting
from workbench.evaluation.comparison import (
    COLUMNS,
    Comparison,
    comparison_row,
    regressions,
    selection_in_words,
    selection_p_values,
    verdict_counts,
)
from workbench.records import Run, approximate_in_words
from workbench.results import Result, frame
from workbench.steps.compare import run_measures
from workbench.steps.compare.answer_measures import is_answer_measure, must_be_read
from workbench.steps.compare.diff import Values, compared_on, must_be_measurable, stale
from workbench.steps.compare.run_measures import JudgedCounts, Judgements
from workbench.steps.data.splits.unseen import UnseenPart
from workbench.steps.data.workspace_settings import with_settings
from workbench.store import MeasureSettings, Store, views

if TYPE_CHECKING:
    import pandas as pd


class QueryValues(NamedTuple):
    """One query on one measure, a value for each student; `missing` names those that have no ranking for it."""

    query_id: str
    text: str
    values: tuple[float, ...]
    missing: tuple[str, ...] = ()


class Against(NamedTuple):
    """One student against the baseline on one measure; `selection_p` is for who chooses one by these comparisons."""

    student: str
    comparison: Comparison
    selection_p: float


@dataclass(frozen=True)
class RunsComparison(Result):
    """Many runs of a split: `rows` on the first measure, `against` the baseline (the first student) on every one.

    Each comparison is that of `diff` for the pair, with the same verdict. Its `selection_p` is Holm-adjusted over all
    students and measures together: for a choice among them. Where train has seen some of the queries,
    `against_unseen` is the same on the others.
    """

    columns: ClassVar = {
        "measure": "the first measure",
        "query_id": "the query; those whose values differ most come first",
        "text": "its text",
        "student": "whose value it is",
        "value": "the value of the measure",
        "missing": "whether the student has no ranking for it",
    }

    students: tuple[str, ...]
    split: str
    measures: tuple[str, ...]
    rows: tuple[QueryValues, ...]
    against: tuple[Against, ...]
    stale: tuple[str, ...]
    counts: JudgedCounts
    unseen: UnseenPart | None = None
    against_unseen: tuple[Against, ...] = ()
    approximate: tuple[str, ...] = ()

    @property
    def baseline(self) -> str:
        """Return the student that the others are compared with."""
        return self.students[0]

    def regressed(self, threshold: float = 0.0) -> list[Against]:
        """Return the students that are worse than the baseline by more than `threshold`, on which measure."""
        worse = []
        for student in self.students[1:]:
            rows = [row for row in self.against if row.student == student]
            regressed = regressions([row.comparison for row in rows], self.measures[0], threshold)
            worse += [row for row, is_worse in zip(rows, regressed, strict=True) if is_worse]
        return worse

    @property
    def in_words(self) -> str:
        """Return the verdicts as one sentence."""
        words = (
            f"{len(self.students) - 1:,} students against {self.baseline} on {', '.join(self.measures)}, {self.split}, "
            f"{self.counts.in_words}: {_verdicts(self.against)}{self.against[0].comparison.few}."
        )
        return words + self.selection_in_words + self._unseen_in_words + "".join(f" {one}" for one in self.approximate)

    @property
    def selection_in_words(self) -> str:
        """Return how many verdicts stay when one of the students is chosen by them; "" of a single one."""
        return selection_in_words([row.comparison for row in self.against], "comparisons")

    @property
    def _unseen_in_words(self) -> str:
        return (
            f" {self.unseen.followed_by(f'the verdicts are {_verdicts(self.against_unseen)}')}." if self.unseen else ""
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each query and student."""
        return [
            (self.measures[0], row.query_id, row.text, student, value, student in row.missing)
            for row in self.rows
            for student, value in zip(self.students, row.values, strict=True)
        ]

    def comparisons_frame(self) -> pd.DataFrame:
        """Return each student's comparison with the baseline as a row of a frame, the student in the first column."""
        columns = ("student", *COLUMNS, "selection_p")
        return frame(columns, [(row.student, *comparison_row(row.comparison), row.selection_p) for row in self.against])


def compare_runs(
    store: Store,
    students: Sequence[str],
    measures: Sequence[str] = ("nDCG@10",),
    split: str = "test",
    **settings: Unpack[MeasureSettings],
) -> RunsComparison:
    """Measure many runs query by query, and compare each with the first.

    Parameters
    ----------
    store : Store
        The workspace.
    students : sequence of str
        Students that were evaluated on the split; the first is the baseline.
    measures : sequence of str
        The measures to compare on, as ir_measures spells them; those after the first are secondary.
    split : str
        The split whose queries are compared.
    **settings : optional
        `relevance` and `without_relevant` in place of the workspace's, see `WorkspaceSettings`.

    Returns
    -------
    RunsComparison
        The values of every query on the first measure, those that differ most first; and each student's comparison
        with the baseline on every measure.

    Raises
    ------
    BadSetting
        Fewer than two students or no measure is named, or the value of a setting cannot be.
    NothingToDo
        A student has no run on the split, or no query of it has a relevant passage.

    Examples
    --------
    >>> runs = wb.compare_runs(store, [base, "bm25", "student"], ["R@1"])
    >>> [row.student for row in runs.against]
    ['bm25', 'student']
    >>> runs.comparisons_frame()[["student", "verdict"]].shape
    (2, 2)
    """
    store = with_settings(store, **settings)
    judgements = Judgements.of(store, split)
    names = judgements.names(measures)
    runs = [views.find_run(store, student, split) for student in dict.fromkeys(students)]
    if len(runs) < 2 or not names:
        raise BadSetting("A table needs two students and a measure.", "Name a baseline and at least one more.")
    measured = run_measures.measure_all(store, runs, names, judgements)
    values = [one.values for one in measured]
    must_be_measurable(judgements, names[0], split)
    must_be_read(names[0], runs, measured)
    texts = {query.query_id: query.text for query in views.queries(store, split, known_by_id=True)}
    rows = [
        QueryValues(
            query_id,
            texts[query_id],
            tuple(of_run[names[0]][query_id] for of_run in values),
            tuple(run.student for run, one in zip(runs, measured, strict=True) if query_id not in one.ranked)
            if not is_answer_measure(names[0])
            else (),
        )
        for query_id in values[0][names[0]]
    ]
    unseen = judgements.unseen_part(store, split, names[0], values[0][names[0]])
    others = [unseen.only(of_run) for of_run in values] if unseen else []
    return RunsComparison(
        students=tuple(run.student for run in runs),
        split=split,
        measures=names,
        rows=tuple(sorted(rows, key=lambda row: (min(row.values) - max(row.values), row.query_id))),
        against=_against(runs, names, values),
        stale=stale(store, *runs),
        approximate=approximate_in_words(runs),
        counts=judgements.counts_for(names[0], values[0][names[0]]),
        unseen=unseen,
        against_unseen=_against(runs, names, others) if others else (),
    )


def _against(runs: Sequence[Run], names: Sequence[str], values: Sequence[Values]) -> tuple[Against, ...]:
    """Return each run against the first on every measure."""
    compared = [
        (run.student, comparison)
        for run, of_run in zip(runs[1:], values[1:], strict=True)
        for comparison in compared_on(names, values[0], of_run)
    ]
    p_values = selection_p_values([comparison for _, comparison in compared])
    return tuple(Against(*pair, p) for pair, p in zip(compared, p_values, strict=True))


def _verdicts(against: Sequence[Against]) -> str:
    return verdict_counts(row.comparison for row in against)
