"""How much of what a measure looks at has been judged: where little is, a measure says little."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import takewhile

from workbench import measures
from workbench.measures import Rankings
from workbench.records import Qrel

USUAL_DEPTH = 10  # for a measure that names no depth of its own, such as AP


def coverage(
    name: str, query_ids: Collection[str], qrels: Sequence[Qrel], rankings: tuple[Rankings, Rankings]
) -> tuple[float, float]:
    """Return the mean share of judged passages in the top k of two runs (ir_measures' Judged@k), k the measure's own.

    Over `query_ids`; a query that a run does not answer counts as 0, as in the measures.
    """
    depth = cutoff(name)
    known: defaultdict[str, set[str]] = defaultdict(set)
    for qrel in qrels:
        known[qrel.query_id].add(qrel.passage_id)
    shares = [
        sum(_judged(ranked.get(query_id, ()), known[query_id], depth) for query_id in query_ids) for ranked in rankings
    ]
    return shares[0] / max(1, len(query_ids)), shares[1] / max(1, len(query_ids))


def cutoff(name: str) -> int:
    """Return how deep a measure looks, or the usual depth where it does not say."""
    measure = measures.parse(name)
    depth = measure["cutoff"] if "cutoff" in measure.SUPPORTED_PARAMS else None
    return depth if isinstance(depth, int) else USUAL_DEPTH


def _judged(ranked: Sequence[tuple[str, float]], known: set[str], depth: int) -> float:
    # At equal similarity the ids decide, as in the measures: those that tie with the last of the top belong to it.
    top = list(ranked[:depth])
    if len(top) == depth:
        top += takewhile(lambda hit: hit[1] == top[-1][1], ranked[depth:])
        top = sorted(top, key=lambda hit: (hit[1], hit[0]), reverse=True)[:depth]
    return sum(passage_id in known for passage_id, _ in top) / len(top) if top else 0.0
