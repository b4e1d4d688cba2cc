"""Measures of a ranking against qrels, spelled and computed by ir_measures, per query first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.errors import BadSetting
from workbench.records import Qrel

# R@k is trec_eval's recall (relevant found / all relevant), Success@1 "any relevant on top"; with one
# relevant passage a query they are equal. nDCG has linear gains (Jarvelin and Kekalainen 2002).
MEASURES = ("R@1", "R@5", "R@10", "Success@1", "AP", "RR", "nDCG@10")

Rankings = Mapping[str, Sequence[tuple[str, float]]]


def parse(name: str) -> Any:
    """Return the ir_measures measure spelled `name`, such as `nDCG@10` or `P(rel=2)@5`."""
    import ir_measures

    try:
        return ir_measures.parse_measure(name)
    except Exception as trouble:
        raise BadSetting(
            f"{name!r} is not a measure.", f"Examples: {', '.join(MEASURES)}, P@5, AP(rel=2)."
        ) from trouble


def per_query(names: Iterable[str], qrels: Iterable[Qrel], rankings: Rankings) -> dict[str, dict[str, float]]:
    """Return measure -> query_id -> value, for every query that has a passage relevant to that measure.

    Relevant means 1 or more, or what the measure asks for: `AP(rel=2)` has a value for queries with a 2. Others have
    none (trec_eval and ir_measures count them as 0 in their means); a judged query that a run never answered has 0.
    Passages are ordered by similarity, and at equal similarity by passage id from the end of the
    alphabet, as trec_eval does.
    """
    import ir_measures

    measures = {name: parse(name) for name in names}
    judged = list(qrels)
    best: dict[str, int] = {}
    for qrel in judged:
        best[qrel.query_id] = max(qrel.relevance, best.get(qrel.query_id, 0))
    answerable = {query_id for query_id, relevance in best.items() if relevance > 0}
    values = {
        measure: {query_id: 0.0 for query_id in sorted(answerable) if best[query_id] >= _level(measure)}
        for measure in measures.values()
    }
    found = ir_measures.iter_calc(
        list(values),
        [ir_measures.Qrel(*qrel) for qrel in judged if qrel.query_id in answerable],
        [
            ir_measures.ScoredDoc(query_id, passage_id, similarity)
            for query_id, ranked in rankings.items()
            if query_id in answerable
            for passage_id, similarity in ranked
        ],
    )
    for metric in found:
        if metric.query_id in values[metric.measure]:
            values[metric.measure][metric.query_id] = float(metric.value)
    # By the names asked for: MRR and RR are one measure and may both be wanted.
    return {name: values[measure] for name, measure in measures.items()}


def _level(measure: Any) -> int:
    """Return the least relevance that counts as relevant for `measure`."""
    level = measure["rel"] if "rel" in measure.SUPPORTED_PARAMS else 1
    return level if isinstance(level, int) else 1
