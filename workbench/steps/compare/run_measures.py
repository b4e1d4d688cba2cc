"""Measuring: the values of a run that the workspace holds, by the shortest way that gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.evaluation import measures
from workbench.records import Qrel, Run
from workbench.store import Store, views


@dataclass(frozen=True)
class Measured:
    """Measure -> query_id -> value, over the queries with a relevant passage; how many passages a query has `ranked`.

    A query that the run never answered is not among the `ranked`; its values are 0.
    """

    values: dict[str, dict[str, float]]
    ranked: dict[str, int]

    @property
    def unanswered(self) -> set[str]:
        """Return the judged queries that the run has no ranking for."""
        return {query_id for of_query in self.values.values() for query_id in of_query} - set(self.ranked)


def measure(store: Store, run: Run, names: Sequence[str], qrels: Sequence[Qrel]) -> Measured:
    """Measure a run; only a measure that reads more than the ranks of judged passages has its rankings loaded."""
    ranked = views.ranked_counts(store, run)
    # What a judgement below 0 means is for ir_measures to say.
    odd = any(qrel.relevance < 0 for qrel in qrels)
    by_ranks = [name for name in names if not odd and measures.needs_ranks_only(name)]
    values: dict[str, dict[str, float]] = {}
    if by_ranks:
        values |= measures.per_query_of_ranks(by_ranks, qrels, views.judged_ranks(store, run), ranked)
    if rest := [name for name in names if name not in by_ranks]:
        values |= measures.per_query(rest, qrels, views.rankings(store, run))
    return Measured({name: values[name] for name in names}, ranked)
