"""Measuring: by which judgements a run is measured, and its values by the shortest way that gives them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from workbench.evaluation import measures
from workbench.records import Qrel, Run
from workbench.store import Store, WorkspaceSettings, settings_of, views


class JudgedCounts(NamedTuple):
    """How many queries have qrels, and of how many of these no passage reaches the `relevance` that counts.

    The latter count as 0 in means, or are `left_out` of them.
    """

    judged: int
    without_relevant: int = 0
    relevance: int = 1
    left_out: bool = False

    @property
    def in_words(self) -> str:
        """Return over how many queries means are, to follow "means over"."""
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
    """The `qrels` of a split, and the `settings` by which they count."""

    qrels: tuple[Qrel, ...]
    settings: WorkspaceSettings

    @classmethod
    def of(cls, store: Store, split: str) -> Judgements:
        """Return the judgements of a split's queries."""
        return cls(tuple(views.qrels(store, split)), settings_of(store))

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

    def counts_for(self, measure: str) -> JudgedCounts:
        """Return how many queries the mean of a measure is over; one of grades counts by the relevance that is set."""
        level = measures.level(measure, self.settings.relevance)
        judged = {qrel.query_id for qrel in self.qrels}
        relevant = {qrel.query_id for qrel in self.qrels if qrel.relevance >= level}
        return JudgedCounts(len(judged), len(judged) - len(relevant), level, self.left_out_below is not None)

    def names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return measures at the relevance that counts, each once: MRR is RR, and R@1 at level 2 is R(rel=2)@1."""
        return tuple(dict.fromkeys(measures.at_level(name, self.settings.relevance) for name in names))


@dataclass(frozen=True)
class Measured:
    """Measure -> query_id -> value, over the judged queries that count; how many passages a query has `ranked`.

    A query that the run never answered is not among the `ranked`; its values are 0.
    """

    values: dict[str, dict[str, float]]
    ranked: dict[str, int]

    @property
    def unanswered(self) -> set[str]:
        """Return the judged queries that the run has no ranking for."""
        return {query_id for of_query in self.values.values() for query_id in of_query} - set(self.ranked)


def measure(store: Store, run: Run, names: Sequence[str], judgements: Judgements) -> Measured:
    """Measure a run; only a measure that reads more than the ranks of judged passages has its rankings loaded."""
    ranked, qrels, left_out_below = views.ranked_counts(store, run), judgements.qrels, judgements.left_out_below
    # What a judgement below 0 means is for ir_measures to say.
    odd = any(qrel.relevance < 0 for qrel in qrels)
    by_ranks = [name for name in names if not odd and measures.needs_ranks_only(name)]
    values: dict[str, dict[str, float]] = {}
    if by_ranks:
        ranks = views.judged_ranks(store, run)
        values |= measures.per_query_of_ranks(by_ranks, qrels, ranks, ranked, left_out_below)
    if rest := [name for name in names if name not in by_ranks]:
        values |= measures.per_query(rest, qrels, views.rankings(store, run), left_out_below)
    return Measured({name: values[name] for name in names}, ranked)
