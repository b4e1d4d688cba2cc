"""Measuring: by which judgements a run is measured, and its values by the shortest way that gives them."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from workbench.evaluation import measures
from workbench.evaluation.answers import AnswerMeasure
from workbench.progress import tracked
from workbench.records import Qrel, ReadRun, Run
from workbench.steps.compare.answer_measures import answer_values, is_answer_measure, whole_name
from workbench.steps.data.splits.unseen import UnseenPart, unseen_part
from workbench.store import Store, WorkspaceSettings, settings_of, views


class JudgedCounts(NamedTuple):
    """How many queries have qrels, and of how many of these no passage reaches the `relevance` that counts.

    The latter count as 0 in means, or are `left_out` of them. Of measures of answers these are the queries that were
    `answered`, which have a reference answer and need no qrels.
    """

    judged: int
    without_relevant: int = 0
    relevance: int = 1
    left_out: bool = False
    answered: bool = False

    @property
    def in_words(self) -> str:
        """Return over how many queries means are, to follow "means over"."""
        if self.answered:
            return f"{self.judged:,} answered {'query' if self.judged == 1 else 'queries'}"
        counted = self.judged - self.without_relevant if self.left_out else self.judged
        queries = f"{counted:,} judged {'query' if counted == 1 else 'queries'}"
        if not self.without_relevant:
            return queries
        if self.left_out:
            return f"{queries} ({self.without_relevant:,} more without {self.relevant} left out)"
        return f"{queries} ({self.without_relevant:,} of them without {self.relevant}, counted as 0)"

    @property
    def relevant(self) -> str:
        """Return what a relevant passage is, in words."""
        return "a relevant passage" if self.relevance == 1 else f"a passage of relevance {self.relevance} or more"


@dataclass(frozen=True)
class Judgements:
    """The `qrels` of a split, and the `settings` by which they count; which runs readers have answers from."""

    qrels: tuple[Qrel, ...]
    settings: WorkspaceSettings
    read_runs: tuple[ReadRun, ...] = ()

    @classmethod
    def of(cls, store: Store, split: str) -> Judgements:
        """Return the judgements of a split's queries."""
        return cls(tuple(views.qrels(store, split)), settings_of(store), tuple(views.read_runs(store, split)))

    def of_queries(self, query_ids: Container[str]) -> Judgements:
        """Return the judgements of these queries."""
        return replace(self, qrels=tuple(qrel for qrel in self.qrels if qrel.query_id in query_ids))

    @property
    def left_out_below(self) -> int | None:
        """Return the relevance that a query needs a passage of to count in means, None if every judged one counts."""
        return self.settings.relevance if self.settings.without_relevant == "left out" else None

    @property
    def relevant(self) -> set[tuple[str, str]]:
        """Return the pairs of query and passage that are relevant."""
        level = self.settings.relevance
        return {(qrel.query_id, qrel.passage_id) for qrel in self.qrels if qrel.relevance >= level}

    @property
    def judged(self) -> set[str]:
        """Return the queries that count in means."""
        if self.left_out_below is not None:
            return {query_id for query_id, _ in self.relevant}
        return {qrel.query_id for qrel in self.qrels}

    def queries_of(self, measure: str, measured: Collection[str]) -> Collection[str]:
        """Return the queries that a measure's means are over: the judged ones, of answers those `measured`."""
        return measured if is_answer_measure(measure) else self.judged

    def unseen_part(self, store: Store, split: str, measure: str, measured: Collection[str]) -> UnseenPart | None:
        """Return the part of the queries that a measure's means are over which train has not seen."""
        queries = self.queries_of(measure, measured)
        return unseen_part(store, split, queries, answered=is_answer_measure(measure))

    def counts_for(self, measure: str, measured: Collection[str] = ()) -> JudgedCounts:
        """Return how many queries the mean of a measure is over; one of grades counts by the relevance that is set.

        Of a measure of answers these are the queries that were `measured`.
        """
        if is_answer_measure(measure):
            return JudgedCounts(len(measured), answered=True)
        level = measures.level(measure, self.settings.relevance)
        judged = {qrel.query_id for qrel in self.qrels}
        relevant = {qrel.query_id for qrel in self.qrels if qrel.relevance >= level}
        return JudgedCounts(len(judged), len(judged) - len(relevant), level, self.left_out_below is not None)

    def names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return measures at the relevance that counts, each once: MRR is RR, and R@1 at level 2 is R(rel=2)@1.

        A measure of answers gets its reader's full name: F1@5 is F1(READER)@5.
        """
        return tuple(dict.fromkeys(map(self._whole_name, names)))

    def _whole_name(self, name: str) -> str:
        if measure := AnswerMeasure.parse(name):
            return whole_name(measure, self.read_runs)
        return measures.at_level(name, self.settings.relevance)


@dataclass(frozen=True)
class Measured:
    """Measure -> query_id -> value, over the judged queries that count; how many passages a query has `ranked`.

    A query that the run never answered is not among the `ranked`; its values are 0.
    """

    values: dict[str, dict[str, float]]
    ranked: dict[str, int]

    @property
    def unanswered(self) -> set[str]:
        """Return the judged queries that the run has no ranking for; a reader answers such a query all the same."""
        of_rankings = [of_query for name, of_query in self.values.items() if not is_answer_measure(name)]
        return {query_id for of_query in of_rankings for query_id in of_query} - set(self.ranked)


def measure(store: Store, run: Run, names: Sequence[str], judgements: Judgements) -> Measured:
    """Measure a run; only a measure that reads more than the ranks of judged passages has its rankings loaded."""
    queries, qrels, left_out_below = views.ranked_queries(store, run), judgements.qrels, judgements.left_out_below
    ranked = {query_id: one.ranked for query_id, one in queries.items()}
    # What a judgement below 0 means is for ir_measures to say.
    odd = any(qrel.relevance < 0 for qrel in qrels)
    values = answer_values(store, run, [name for name in names if is_answer_measure(name)], judgements.read_runs)
    of_rankings = [name for name in names if name not in values]
    by_ranks = [name for name in of_rankings if not odd and measures.needs_ranks_only(name)]
    if by_ranks:
        ranks = {query_id: one.judged for query_id, one in queries.items() if one.judged}
        values |= measures.per_query_of_ranks(by_ranks, qrels, ranks, ranked, left_out_below)
    if rest := [name for name in of_rankings if name not in by_ranks]:
        values |= measures.per_query(rest, qrels, views.rankings(store, run), left_out_below)
    return Measured({name: values[name] for name in names}, ranked)


def measure_all(store: Store, runs: Sequence[Run], names: Sequence[str], judgements: Judgements) -> list[Measured]:
    """Measure runs that are to be compared, in turn, each measure over the same queries of all that have it.

    Those of rankings are over the judged queries whatever the run; a reader may have answered other queries of one run
    than of another, and has no values for a run that it has not read.
    """
    measured = [measure(store, run, names, judgements) for run in tracked(runs, "measure", "runs")]
    for name in filter(is_answer_measure, names):
        of_runs = [one.values[name] for one in measured if one.values[name]]
        common = set.intersection(*map(set, of_runs)) if of_runs else set()
        for one in measured:
            one.values[name] = {
                query_id: one.values[name][query_id] for query_id in one.values[name] if query_id in common
            }
    return measured
