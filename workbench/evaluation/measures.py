"""Measures of a ranking against qrels, per query first, spelled as ir_measures spells them and equal to its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting
from workbench.records import Qrel

# R@k is trec_eval's recall (relevant retrieved / all relevant), Success@1 "any relevant on top"; with one
# relevant passage a query they are equal. nDCG has linear gains (Jarvelin and Kekalainen 2002).
MEASURES = ("R@1", "R@5", "R@10", "Success@1", "AP", "RR", "nDCG@10")
PRIMARY = "nDCG@10"  # what verdicts are about where nobody asks for another

USUAL_DEPTH = 10  # for a measure that names no depth of its own, such as AP

Rankings = Mapping[str, Sequence[tuple[str, float]]]
# query_id -> [(rank, relevance)] of its judged passages, by rank
Ranks = Mapping[str, Sequence[tuple[int, int]]]

Values = NDArray[np.float64]
Whole = NDArray[np.int64]


def parse(name: str) -> Any:
    """Return the ir_measures measure spelled `name`, such as `nDCG@10` or `P(rel=2)@5`."""
    import ir_measures

    try:
        return ir_measures.parse_measure(name)
    except Exception as trouble:
        raise BadSetting(
            f"{name!r} is not a measure.", f"Examples: {', '.join(MEASURES)}, P@5, AP(rel=2)."
        ) from trouble


def at_level(name: str, relevance: int) -> str:
    """Return the measure with `relevance` as the level from which passages count as relevant, spelled once and for all.

    A measure that names a level of its own keeps it, and one of grades, such as nDCG, has none: MRR is RR(rel=2) at
    level 2, AP(rel=3) and nDCG@10 stay what they are.
    """
    measure = parse(name)
    if "rel" in measure.SUPPORTED_PARAMS and "rel" not in measure.params:
        measure = measure(rel=relevance)
    # ir_measures spells AP(rel=1) as AP, which would be another measure where 1 is not the level.
    return name if measure.params.get("rel") == 1 != relevance else str(measure)


def level(name: str, otherwise: int) -> int:
    """Return the relevance from which a passage counts for the measure; `otherwise` for one of grades, as nDCG is."""
    return _level(parse(name), otherwise)


def per_query(
    names: Iterable[str], qrels: Iterable[Qrel], rankings: Rankings, left_out_below: int | None = None
) -> dict[str, dict[str, float]]:
    """Return measure -> query_id -> value, for every query that has a qrel: what ir_measures and trec_eval average.

    A judged query without a relevant passage has 0, as one that the run never answered; queries without qrels have no
    value. With `left_out_below` only queries with a relevant passage have one: of the measure's own level,
    `AP(rel=2)`, or, for a measure that has none, of that relevance. Passages are ordered by similarity, and at equal
    similarity by passage id from the end of the alphabet, as trec_eval does.
    """
    import ir_measures

    measures = {name: parse(name) for name in names}
    judged = list(qrels)
    best: dict[str, int] = {}
    for qrel in judged:
        best[qrel.query_id] = max(qrel.relevance, best.get(qrel.query_id, qrel.relevance))
    values = {
        measure: {query_id: 0.0 for query_id in sorted(best) if _counts(measure, best[query_id], left_out_below)}
        for measure in measures.values()
    }
    metrics = ir_measures.iter_calc(
        list(values),
        [ir_measures.Qrel(*qrel) for qrel in judged],
        [
            ir_measures.ScoredDoc(query_id, passage_id, similarity)
            for query_id, ranked in rankings.items()
            if query_id in best
            for passage_id, similarity in ranked
        ],
    )
    for metric in metrics:
        if metric.query_id in values[metric.measure]:
            values[metric.measure][metric.query_id] = float(metric.value)
    # By the names asked for: MRR and RR are one measure and may both be wanted.
    return {name: values[measure] for name, measure in measures.items()}


def cutoff(name: str) -> int:
    """Return how deep a measure looks, or the usual depth where it does not say."""
    measure = parse(name)
    depth = measure["cutoff"] if "cutoff" in measure.SUPPORTED_PARAMS else None
    return depth if isinstance(depth, int) else USUAL_DEPTH


def judged_at(name: str) -> str:
    """Return the measure of what share of the passages that `name` looks at people have judged."""
    return f"Judged@{cutoff(name)}"


def needs_ranks_only(name: str) -> bool:
    """Return whether `per_query_of_ranks` knows the measure, with the parameters that its name gives."""
    measure = parse(name)
    spelled = FORMULAS.get(measure.NAME)
    if spelled is None or not spelled.needed <= set(measure.params) <= spelled.allowed:
        return False
    return all(value >= 1 for value in measure.params.values())


def per_query_of_ranks(
    names: Iterable[str],
    qrels: Iterable[Qrel],
    ranks: Ranks,
    ranked: Mapping[str, int],
    left_out_below: int | None = None,
) -> dict[str, dict[str, float]]:
    """Return what `per_query` does, from the ranks of the judged passages and how many passages a query has `ranked`.

    Own formulas, because these measures read the ranks of a few judged passages a query and nothing else, while
    ir_measures wants every hit as a Python object; ir_measures is what the tests hold them to. At equal similarities
    the rank decides, for `Judged@k` too, which ir_measures alone orders the other way round. No relevance may be
    below 0, no cutoff and no threshold below 1.
    """
    judged = _Judged.of(list(qrels), ranks, ranked)
    by_measure = {}
    for name in names:
        measure = parse(name)
        values = FORMULAS[measure.NAME].of(judged, **measure.params)
        by_measure[name] = {
            query_id: value
            for query_id, value, best in zip(judged.queries, values.tolist(), judged.best.tolist(), strict=True)
            if _counts(measure, best, left_out_below)
        }
    return by_measure


@dataclass(frozen=True)
class _Judged:
    """The judged passages of n queries as columns: the m retrieved ones, by query and rank, and all j of them.

    `row` (m,) and `all_row` (j,) say which of `queries` it is; `all_relevance` (j,) falls within a query.
    """

    queries: list[str]
    row: Whole
    rank: Whole
    relevance: Whole
    all_row: Whole
    all_relevance: Whole
    ranked: Whole

    @classmethod
    def of(cls, qrels: list[Qrel], ranks: Ranks, ranked: Mapping[str, int]) -> _Judged:
        """Return the columns, over the queries that have a qrel."""
        queries = sorted({qrel.query_id for qrel in qrels})
        row_of = {query_id: row for row, query_id in enumerate(queries)}
        every = sorted((row_of[qrel.query_id], -qrel.relevance) for qrel in qrels)
        retrieved = [(row, *place) for query_id, row in row_of.items() for place in sorted(ranks.get(query_id, ()))]
        row, rank, relevance = np.array(retrieved, np.int64).reshape(-1, 3).T
        all_row, fallen = np.array(every, np.int64).reshape(-1, 2).T
        counts = np.array([ranked.get(query_id, 0) for query_id in queries], np.int64)
        return cls(queries, row, rank, relevance, all_row, -fallen, counts)

    def summed(self, values: NDArray[Any], rows: Whole | None = None) -> Values:
        """Return (n,): the sum of each query's values, one a passage found, or one for each of `rows`."""
        of = self.row if rows is None else rows
        return np.bincount(of, values.astype(np.float64), len(self.queries)).astype(np.float64)

    @property
    def best(self) -> Whole:
        """Return (n,): the highest relevance that any passage has for the query."""
        best = np.zeros(len(self.queries), np.int64)
        np.maximum.at(best, self.all_row, self.all_relevance)
        return best

    def hits(self, rel: int, cutoff: int | None) -> Values:
        """Return (n,): how many relevant passages stand at `cutoff` or above."""
        return self.summed((self.relevance >= rel) & self.within(cutoff))

    def relevant(self, rel: int) -> Values:
        """Return (n,): how many relevant passages there are."""
        return self.summed(self.all_relevance >= rel, self.all_row)

    def within(self, cutoff: int | None) -> NDArray[np.bool_]:
        """Return (m,): whether a passage retrieved stands at `cutoff` or above."""
        return np.ones(len(self.rank), bool) if cutoff is None else self.rank <= cutoff


def _recall(judged: _Judged, cutoff: int, rel: int = 1) -> Values:
    return _share(judged.hits(rel, cutoff), judged.relevant(rel))


def _precision(judged: _Judged, cutoff: int, rel: int = 1) -> Values:
    return judged.hits(rel, cutoff) / cutoff


def _success(judged: _Judged, cutoff: int, rel: int = 1) -> Values:
    return (judged.hits(rel, cutoff) > 0).astype(np.float64)


def _reciprocal_rank(judged: _Judged, rel: int = 1) -> Values:
    best = np.zeros(len(judged.queries))
    relevant = judged.relevance >= rel
    np.maximum.at(best, judged.row[relevant], 1 / judged.rank[relevant])
    return best


def _average_precision(judged: _Judged, rel: int = 1, cutoff: int | None = None) -> Values:
    hits = (judged.relevance >= rel) & judged.within(cutoff)
    precision = np.zeros(len(judged.rank))
    precision[hits] = _places(judged.row[hits]) / judged.rank[hits]
    return _share(judged.summed(precision), judged.relevant(rel))


def _ndcg(judged: _Judged, cutoff: int | None = None) -> Values:
    """Return nDCG with linear gains; the ideal ranking is that of all judged passages, cut at the same rank."""
    gains = judged.within(cutoff) * judged.relevance / np.log2(judged.rank + 1)
    place = _places(judged.all_row)
    ideal = judged.all_relevance / np.log2(place + 1) * (place <= (cutoff or len(place)))
    return _share(judged.summed(gains), judged.summed(ideal, judged.all_row))


def _judged_share(judged: _Judged, cutoff: int) -> Values:
    return _share(judged.summed(judged.within(cutoff)), np.minimum(judged.ranked, cutoff))


def _places(rows: Whole) -> Whole:
    """Return for sorted rows, such as 0 0 0 2 2, each one's place among its equals: 1 2 3 1 2."""
    return np.arange(1, len(rows) + 1) - np.searchsorted(rows, rows)


def _share(part: Values, whole: NDArray[Any]) -> Values:
    shares: Values = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return shares


class Formula(NamedTuple):
    """A measure of ranks, the parameters it must be given, and those it may be given."""

    of: Callable[..., Values]
    needed: frozenset[str]
    allowed: frozenset[str]


_CUTOFF, _REL, _BOTH = frozenset({"cutoff"}), frozenset({"rel"}), frozenset({"cutoff", "rel"})

FORMULAS: dict[str, Formula] = {
    "R": Formula(_recall, _CUTOFF, _BOTH),
    "P": Formula(_precision, _CUTOFF, _BOTH),
    "Success": Formula(_success, _CUTOFF, _BOTH),
    "RR": Formula(_reciprocal_rank, frozenset(), _REL),
    "AP": Formula(_average_precision, frozenset(), _BOTH),
    "nDCG": Formula(_ndcg, frozenset(), _CUTOFF),
    "Judged": Formula(_judged_share, _CUTOFF, _CUTOFF),
}


def _counts(measure: Any, best: int, left_out_below: int | None) -> bool:
    """Return whether a query counts whose most relevant passage has the relevance `best`."""
    if left_out_below is None or measure.NAME == "Judged":
        return True
    return best >= _level(measure, left_out_below)


def _level(measure: Any, otherwise: int) -> int:
    level = measure["rel"] if "rel" in measure.SUPPORTED_PARAMS else otherwise
    return level if isinstance(level, int) else otherwise
