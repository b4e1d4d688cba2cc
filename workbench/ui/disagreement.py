"""Query by query: how far apart teacher and student are about the candidates."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from workbench.records import Run
from workbench.store import Store, views


class Disagreement(NamedTuple):
    """One query: where the student ranks the teacher's favourite, and what its own favourite gives away.

    `best` is the highest utility among the candidates, `regret` that minus the utility of the candidate which the
    student ranks first, both in the teacher's unit; `rank` is None where the run does not know the favourite.
    """

    query_id: str
    text: str
    candidates: int
    best: float
    rank: int | None
    regret: float


def disagreements(store: Store, teacher: str, run: Run) -> list[Disagreement]:
    """Return the run's scored queries, those where most is given away first."""
    scored: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for utility in views.utilities(store, teacher):
        scored[utility.query_id][utility.passage_id] = utility.value
    ranks: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for hit in views.hits(store, run):
        if hit.passage_id in scored.get(hit.query_id, {}):
            ranks[hit.query_id][hit.passage_id] = hit.rank
    texts = {query.query_id: query.text for query in views.queries(store, run.split)}
    found = [
        _one(query_id, text, scored[query_id], ranks[query_id]) for query_id, text in texts.items() if ranks[query_id]
    ]
    return sorted(found, key=lambda row: (-row.regret, row.query_id))


def _one(query_id: str, text: str, utilities: dict[str, float], ranks: dict[str, int]) -> Disagreement:
    favourite = max(utilities, key=lambda passage: (utilities[passage], passage))
    chosen = min(ranks, key=lambda passage: ranks[passage])
    best = utilities[favourite]
    return Disagreement(query_id, text, len(utilities), best, ranks.get(favourite), best - utilities[chosen])
