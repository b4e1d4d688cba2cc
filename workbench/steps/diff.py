"""Diff: which queries did a student win or lose against another, and how sure is that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workbench import measures
from workbench.errors import NothingToDo
from workbench.measures import MEASURES
from workbench.significance import Comparison, compare_all
from workbench.steps import measuring
from workbench.store import Store, views


class Delta(NamedTuple):
    """One query on one measure, before and after."""

    query_id: str
    text: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """Return after - before; above 0 is a win."""
        return self.after - self.before


@dataclass(frozen=True)
class Diff:
    """Two runs compared on `measure`: `deltas` by change, worst first; `comparisons` on every measure asked for.

    `unanswered` counts the judged queries that one of the runs has no ranking for; they count as 0.
    `stale` names the runs that searched other passages than the workspace holds now.
    """

    before: str
    after: str
    split: str
    measure: str
    deltas: tuple[Delta, ...]
    comparisons: tuple[Comparison, ...]
    unanswered: int
    stale: tuple[str, ...]

    @property
    def wins(self) -> int:
        """Return how many queries are better after."""
        return sum(delta.change > 0 for delta in self.deltas)

    @property
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
        return next(found for found in self.comparisons if found.measure == self.measure)

    @property
    def in_words(self) -> str:
        """Return the finding as one sentence."""
        found = self.comparison
        return (
            f"{self.after} against {self.before} on {self.measure}, {self.split}: {self.wins:,} better, "
            f"{self.losses:,} worse, {self.ties:,} the same of {len(self.deltas):,}; mean {found.before.mean:.3f} to "
            f"{found.after.mean:.3f} ({found.difference.mean:+.3f}, 95 % interval {found.difference.low:+.3f} to "
            f"{found.difference.high:+.3f}, p = {found.p_value:.4f}): {found.in_words}."
        )


def diff(
    store: Store,
    before: str,
    after: str,
    measure: str = "nDCG@10",
    split: str = "test",
    also: Sequence[str] = MEASURES,
) -> Diff:
    """Compare the runs of two students on a split, query by query, over the queries that can be judged."""
    first, second = views.find_run(store, before, split), views.find_run(store, after, split)
    # A measure has one name here, whatever it is asked for by: MRR is RR.
    names = tuple(dict.fromkeys(str(measures.parse(name)) for name in (measure, *also)))
    measure = names[0]
    qrels = views.qrels(store, split)
    both = [measuring.measure(store, run, names, qrels) for run in (first, second)]
    values = [found.values for found in both]
    judged = sorted(values[0][measure])
    if not judged:
        raise NothingToDo(
            f"No query of the {split} split has a relevant passage, so no measure can be taken.",
            "Add qrels with `workbench ingest qrels FILE`.",
        )
    texts = {query.query_id: query.text for query in views.queries(store, split)}
    deltas = [
        Delta(query_id, texts[query_id], values[0][measure][query_id], values[1][measure][query_id])
        for query_id in judged
    ]
    now = views.collection_fingerprint(store)
    return Diff(
        before=first.student,
        after=second.student,
        split=split,
        measure=measure,
        deltas=tuple(sorted(deltas, key=lambda delta: (delta.change, delta.query_id))),
        comparisons=compare_all(*({name: [of[name][q] for q in judged] for name in names} for of in values)),
        unanswered=len(both[0].unanswered | both[1].unanswered),
        stale=tuple(run.student for run in (first, second) if run.collection != now),
    )
