"""RunsComparison: many runs on one split, query by query, and each against a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from workbench.errors import BadSetting
from workbench.evaluation.comparison import Comparison, adjusted, regressions
from workbench.evaluation.measures import parse
from workbench.steps.compare import run_measures
from workbench.steps.compare.diff import Diff, compared_on, must_be_measurable, stale
from workbench.store import Store, views


class QueryValues(NamedTuple):
    """One query on one measure, a value for each student; `missing` names those that have no ranking for it."""

    query_id: str
    text: str
    values: tuple[float, ...]
    missing: tuple[str, ...] = ()


class Against(NamedTuple):
    """One student against the baseline on one measure."""

    student: str
    comparison: Comparison


@dataclass(frozen=True)
class RunsComparison:
    """Many runs of a split: `rows` on the first measure, `against` the baseline (the first student) on every one.

    The p-values are adjusted over all students and measures together (Holm).
    """

    students: tuple[str, ...]
    split: str
    measures: tuple[str, ...]
    rows: tuple[QueryValues, ...]
    against: tuple[Against, ...]
    stale: tuple[str, ...]

    @property
    def baseline(self) -> str:
        """Return the student that the others are compared with."""
        return self.students[0]

    def regressed(self, threshold: float = 0.0) -> list[Against]:
        """Return the students that are worse than the baseline by more than `threshold`, on which measure."""
        worse = regressions([row.comparison for row in self.against], threshold)
        return [row for row, regressed in zip(self.against, worse, strict=True) if regressed]

    def adjusted(self, diff: Diff) -> Diff:
        """Return a diff with the p-values that its comparisons have among those of many runs.

        Where both are shown together, the same two students on the same measure have one verdict.
        """
        among = {
            row.comparison.measure: row.comparison
            for row in self.against
            if (self.baseline, row.student) == (diff.before, diff.after)
        }
        return replace(diff, comparisons=tuple(among.get(one.measure, one) for one in diff.comparisons))


def compare_runs(
    store: Store, students: Sequence[str], measures: Sequence[str] = ("nDCG@10",), split: str = "test"
) -> RunsComparison:
    """Measure many runs query by query, and compare each with the first; the queries most unlike come first."""
    names = tuple(dict.fromkeys(str(parse(name)) for name in measures))
    runs = [views.find_run(store, student, split) for student in dict.fromkeys(students)]
    if len(runs) < 2 or not names:
        raise BadSetting("A table needs two students and a measure.", "Name a baseline and at least one more.")
    qrels = views.qrels(store, split)
    found = [run_measures.measure(store, run, names, qrels) for run in runs]
    values = [each.values for each in found]
    must_be_measurable(values[0], names[0], split)
    texts = {query.query_id: query.text for query in views.queries(store, split)}
    rows = [
        QueryValues(
            query_id,
            texts[query_id],
            tuple(of_run[names[0]][query_id] for of_run in values),
            tuple(run.student for run, each in zip(runs, found, strict=True) if query_id not in each.ranked),
        )
        for query_id in values[0][names[0]]
    ]
    against = [
        Against(run.student, comparison)
        for run, of_run in zip(runs[1:], values[1:], strict=True)
        for comparison in compared_on(names, values[0], of_run)
    ]
    together = adjusted([each.comparison for each in against])
    return RunsComparison(
        students=tuple(run.student for run in runs),
        split=split,
        measures=names,
        rows=tuple(sorted(rows, key=lambda row: (min(row.values) - max(row.values), row.query_id))),
        against=tuple(Against(each.student, one) for each, one in zip(against, together, strict=True)),
        stale=stale(store, *runs),
    )
