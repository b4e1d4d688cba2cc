"""Diff: which queries did a student win or lose against another, and how sure is that."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Unpack

from workbench.errors import NothingToDo
from workbench.evaluation.comparison import Comparison, adjusted, compare_all, comparisons_frame, regressions
from workbench.evaluation.measures import MEASURES, judged_at
from workbench.records import Run, approximate_in_words
from workbench.results import Result
from workbench.steps.compare import run_measures
from workbench.steps.compare.answer_measures import answer_measures, is_answer_measure, must_be_read
from workbench.steps.compare.run_measures import JudgedCounts, Judgements
from workbench.steps.data.splits.unseen import UnseenPart, early_in_words, trained_before_split
from workbench.steps.data.workspace_settings import with_settings
from workbench.store import MeasureSettings, Store, views

if TYPE_CHECKING:
    import pandas as pd

# measure -> query_id -> value
Values = Mapping[str, Mapping[str, float]]


class Delta(NamedTuple):
    """One query on one measure, before and after; `missing` says which run has no ranking for it, if any.

    A run without a ranking failed and counts as 0; one that ranked nothing relevant is 0 too, and not missing. A `seen`
    query shares a passage or a wording with train.
    """

    query_id: str
    text: str
    before: float
    after: float
    missing: str = ""
    tags: tuple[str, ...] = ()
    seen: bool = False

    @property
    def change(self) -> float:
        """Return after - before; above 0 is a win."""
        return self.after - self.before

    @property
    def direction(self) -> str:
        """Return which way it went: "better", "worse" or "same"."""
        return "better" if self.change > 0 else "worse" if self.change < 0 else "same"


@dataclass(frozen=True)
class Diff(Result):
    """Two runs compared on `measure`: `deltas` by change, worst first; `comparisons` on every measure asked for.

    `measure` is tested alone; the p-values of the other, secondary measures are adjusted for one another (Holm).
    `counts` says how many queries are judged, and what becomes of those without a relevant passage. `unanswered`
    judged queries have no ranking in one of the runs; they count as 0. `stale` names the students who were evaluated
    before the passages, or the queries of the split, changed. `judged` says for each measure what share of the passages
    it looked at people have judged, before and after: the less, the less the measure knows. Where train has seen some
    of the queries, `unseen_comparisons` are the same on the others. `early` names the students that were trained before
    the queries were split anew, maybe on some that are tested now, `approximate` how a run was searched if not exactly.
    """

    columns: ClassVar = {
        "measure": "the measure that is compared",
        "query_id": "the query",
        "text": "its text",
        "before": "its value before",
        "after": "its value after",
        "change": "after - before",
        "direction": "better, worse or same",
        "missing": "which run has no ranking for it: before, after, both or none",
        "tags": "its tags",
        "seen": "whether it shares a passage or a wording with train",
    }

    before: str
    after: str
    split: str
    measure: str
    deltas: tuple[Delta, ...]
    comparisons: tuple[Comparison, ...]
    unanswered: int
    stale: tuple[str, ...]
    counts: JudgedCounts
    judged: dict[str, tuple[float, float]] = field(default_factory=dict)
    unseen: UnseenPart | None = None
    unseen_comparisons: tuple[Comparison, ...] = ()
    early: tuple[str, ...] = ()
    approximate: tuple[str, ...] = ()

    @cached_property
    def wins(self) -> int:
        """Return how many queries are better after."""
        return sum(delta.change > 0 for delta in self.deltas)

    @cached_property
    def losses(self) -> int:
        """Return how many queries are worse after."""
        return sum(delta.change < 0 for delta in self.deltas)

    @property
    def ties(self) -> int:
        """Return how many queries are the same."""
        return len(self.deltas) - self.wins - self.losses

    @property
    def comparison(self) -> Comparison:
        """Return the comparison on the measure that orders the deltas."""
        return next(comparison for comparison in self.comparisons if comparison.measure == self.measure)

    @property
    def unseen_comparison(self) -> Comparison | None:
        """Return the same comparison on the queries that train has not seen, None where it has seen none or all."""
        return next((one for one in self.unseen_comparisons if one.measure == self.measure), None)

    def regressed(self, threshold: float = 0.0) -> bool:
        """Return whether `after` is worse on `measure` by more than `threshold`."""
        return any(regressions([self.comparison], self.measure, threshold))

    @property
    def in_words(self) -> str:
        """Return the finding as one sentence."""
        comparison = self.comparison
        words = (
            f"{self.after} against {self.before} on {self.measure}, {self.split}: {self.wins:,} better, "
            f"{self.losses:,} worse, {self.ties:,} the same of {self.counts.in_words}; mean "
            f"{comparison.before.mean:.3f} to {comparison.after.mean:.3f}, {comparison.evidence}: "
            f"{comparison.in_words}."
        ) + (f" {self.unseen.compared_in_words(self.unseen_comparison)}." if self.unseen else "")
        return words + early_in_words(self.early) + "".join(f" {sentence}" for sentence in self.approximate)

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each query, by change, worst first."""
        return [
            (self.measure, one.query_id, one.text, one.before, one.after, one.change, one.direction, one.missing,
             one.tags, one.seen)
            for one in self.deltas
        ]  # fmt: skip

    def comparisons_frame(self) -> pd.DataFrame:
        """Return the comparisons on every measure as a frame; `evaluation.comparison.COLUMNS` says what it holds."""
        return comparisons_frame(self.comparisons)


def diff(
    store: Store,
    before: str,
    after: str,
    measure: str = "nDCG@10",
    split: str = "test",
    also: Sequence[str] | None = None,
    **settings: Unpack[MeasureSettings],
) -> Diff:
    """Compare the runs of two students on a split, query by query, over the judged queries.

    The verdict on `measure` is by its own test; the p-values of the others, which are secondary, are adjusted for one
    another (Holm). Where queries without a relevant passage are left out, every measure is compared over its own
    queries (`AP(rel=2)`: those with a passage of relevance 2).

    Parameters
    ----------
    store : Store
        The workspace.
    before, after : str
        Two students that were evaluated on the split.
    measure : str
        The measure of the per-query differences, as ir_measures spells it; or of a reader's answers, "F1" or "EM".
    split : str
        The split whose queries are compared.
    also : sequence of str, optional
        Secondary measures to compare on; unless given, the usual ones, and those of readers' answers to both.
    **settings : optional
        `relevance` and `without_relevant` in place of the workspace's, see `WorkspaceSettings`.

    Returns
    -------
    Diff
        The difference of every query, worst first, and a comparison with its verdict on every measure.

    Raises
    ------
    NothingToDo
        A student has no run on the split, or no query of it has a relevant passage.
    BadSetting
        A name is not a measure, or the value of a setting cannot be.

    Examples
    --------
    >>> diff = wb.diff(store, base, "student", "nDCG@10")
    >>> len(diff.deltas) == diff.wins + diff.losses + diff.ties
    True
    >>> diff.comparison.verdict in ("better", "worse", "no difference shown")
    True
    >>> diff.to_frame()[["query_id", "change"]].shape
    (8, 2)
    """
    store = with_settings(store, **settings)
    first, second = views.find_run(store, before, split), views.find_run(store, after, split)
    judgements = Judgements.of(store, split)
    also = (*MEASURES, *answer_measures(judgements.read_runs)) if also is None else also
    names = judgements.names((measure, *also))
    coverage = {name: judged_at(name) for name in names if not is_answer_measure(name)}
    every = tuple(dict.fromkeys((*names, *coverage.values())))
    both = run_measures.measure_all(store, (first, second), every, judgements)
    values = both[0].values, both[1].values
    must_be_measurable(judgements, names[0], split, ", or compare without: `workbench diff --by RBO`")
    must_be_read(names[0], (first, second), both)
    queries = {query.query_id: query for query in views.queries(store, split, known_by_id=True)}
    unseen = judgements.unseen_part(store, split, names[0], values[0][names[0]])
    deltas = [
        Delta(
            query_id,
            queries[query_id].text,
            value,
            values[1][names[0]][query_id],
            "" if is_answer_measure(names[0]) else missing_from(query_id, both[0].ranked, both[1].ranked),
            queries[query_id].tags,
            unseen is not None and query_id in unseen.seen_ids,
        )
        for query_id, value in values[0][names[0]].items()
    ]
    return Diff(
        before=first.student,
        after=second.student,
        split=split,
        measure=names[0],
        deltas=tuple(sorted(deltas, key=lambda delta: (delta.change, delta.query_id))),
        comparisons=compared_on(names, *values),
        unanswered=sum(bool(delta.missing) for delta in deltas),
        stale=stale(store, first, second),
        approximate=approximate_in_words((first, second)),
        counts=judgements.counts_for(names[0], values[0][names[0]]),
        judged={
            name: (_mean(values[0][share], values[0][name]), _mean(values[1][share], values[0][name]))
            for name, share in coverage.items()
            if values[0][name]
        },
        early=tuple(sorted(trained_before_split(store) & {first.student, second.student})),
        unseen=unseen,
        unseen_comparisons=compared_on(names, unseen.only(values[0]), unseen.only(values[1])) if unseen else (),
    )


def must_be_measurable(judgements: Judgements, measure: str, split: str, otherwise: str = "") -> None:
    """Raise NothingToDo if no query of a split can be measured; `otherwise` says what could be done without."""
    if is_answer_measure(measure):
        return
    counts = judgements.counts_for(measure)
    if counts.judged == counts.without_relevant:
        raise NothingToDo(
            f"No query of the {split} split has {counts.relevant}, so {measure} cannot be measured.",
            f"Add qrels with `workbench ingest qrels FILE`{otherwise}.",
        )


def compared_on(
    names: Sequence[str], before: Values, after: Values, lower_is_better: Container[str] = (), primary: str = ""
) -> tuple[Comparison, ...]:
    """Compare two runs on every measure over its own queries; one without queries, or of one run alone, is left out.

    The `primary` measure, the first unless named, is tested alone; the others are adjusted for one another.
    """
    names_by_queries: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        if before[name] and after[name]:
            names_by_queries.setdefault(tuple(before[name]), []).append(name)
    comparisons = {
        comparison.measure: comparison
        for queries, members in names_by_queries.items()
        for comparison in compare_all(
            {name: [before[name][query_id] for query_id in queries] for name in members},
            {name: [after[name][query_id] for query_id in queries] for name in members},
            lower_is_better,
        )
    }
    return adjusted([comparisons[name] for name in names if name in comparisons], primary or names[0])


def _mean(values: Mapping[str, float], queries: Collection[str]) -> float:
    return sum(values[query_id] for query_id in queries) / len(queries)


def missing_from(query_id: str, before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """Return which of two runs has no ranking for a query: "before", "after", "both" or ""."""
    lacks = query_id not in before, query_id not in after
    return {(True, True): "both", (True, False): "before", (False, True): "after"}.get(lacks, "")


def stale(store: Store, *runs: Run) -> tuple[str, ...]:
    """Return the students who were evaluated before the passages, or the queries of the split, changed."""
    now = views.collection_fingerprint(store)
    return tuple(run.student for run in runs if run.is_stale(now))
