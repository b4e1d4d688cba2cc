"""The figures of a teacher's health: means over queries with their intervals, by name."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from workbench.evaluation import measures
from workbench.evaluation.comparison import Comparison
from workbench.evaluation.rank_correlation import spearman
from workbench.evaluation.significance import Interval, intervals
from workbench.evaluation.teacher_agreement import TEACHER_AGREEMENTS, Temperatures, agreements_of
from workbench.records import Run
from workbench.steps.compare.diff import compared_on
from workbench.steps.compare.run_measures import Judgements
from workbench.store import Store, settings_of, views
from workbench.store.views import UtilityShape

MEASURE = "nDCG@10"
AGREEMENTS = ("Kendall", "RBO", "top-1")
FEWEST = 10  # queries for a correlation over queries

FIGURES: dict[str, str] = {
    "effective passages": "exponential of the entropy: over so many passages a uniform target would be as even",
    "entropy": "of a query's softmax at the temperature, in nats",
    "margin": "best utility less the second",
    "range": "best utility less the lowest",
    "tied first": "share of the queries whose best utility several passages have",
    "saturated": "share of the queries whose best utility more than half of the passages have",
    "all equal": "share of the queries whose passages all have the same utility",
    "at a bound": "share of a query's passages with the largest or smallest utility that the teacher gives anywhere",
    "passage length": "rank correlation of utility with the characters of the passage, within a query",
    "position": "rank correlation of utility with the place of the passage by id, which means nothing, within a query",
    "answer position": "rank correlation of utility with the share of the passage's words before the answer, within a "
    "query, over the passages that hold it",
    "answer length": "rank correlation of the best utility with the characters of the shortest answer, over queries",
    "AUC": "share of pairs of a relevant and another passage in which the relevant one has the higher utility",
    MEASURE: "of the teacher's order of the passages that it has scored",
    **{name: f"{TEACHER_AGREEMENTS[name].meaning}; with the other teacher" for name in AGREEMENTS},
}
# Those that are no share and no correlation.
UNBOUNDED = ("effective passages", "entropy", "margin", "range")


def shape_figures(shapes: Sequence[UtilityShape]) -> dict[str, Interval]:
    """Return what the utilities of single queries tell, in the mean; what is defined for no query is left out."""
    return means(
        {
            "effective passages": [math.exp(one.entropy) for one in shapes],
            "entropy": [one.entropy for one in shapes],
            "margin": [one.margin for one in shapes],
            "range": [one.spread for one in shapes],
            "tied first": [float(one.tied > 1) for one in shapes if one.pairs > 1],
            "saturated": [float(2 * one.tied > one.pairs) for one in shapes if one.pairs > 1],
            "all equal": [float(one.tied == one.pairs) for one in shapes if one.pairs > 1],
            "at a bound": [one.at_bounds / one.pairs for one in shapes],
            "passage length": [one.length for one in shapes],
            "position": [one.position for one in shapes],
            "AUC": [one.auc for one in shapes],
        }
    )


def answer_position(store: Store, teacher: str, query_ids: Sequence[str]) -> dict[str, Interval]:
    """Return the mean rank correlation of utility with where in the passage the answer stands, if there is any."""
    return means({"answer position": views.answer_places(store, teacher, query_ids)})


def means(series: Mapping[str, Sequence[float | None]]) -> dict[str, Interval]:
    """Return the mean of each series, without its missing values, with its interval; one without values has none."""
    defined = {name: [value for value in values if value is not None] for name, values in series.items()}
    by_length: defaultdict[int, list[str]] = defaultdict(list)
    for name, values in defined.items():
        if values:
            by_length[len(values)].append(name)
    # Series of one length share their resamples, which is what costs.
    known = {
        name: mean
        for names in by_length.values()
        for name, mean in zip(names, intervals([defined[name] for name in names]), strict=True)
    }
    return {name: known[name] for name in series if name in known}


def answer_length(store: Store, teacher: str, query_ids: Sequence[str]) -> dict[str, Interval]:
    """Return the rank correlation of best utility and answer length over queries; nothing for a few queries.

    The interval is Fisher's, with the variance that Fieller, Hartley and Pearson (1957) found for Spearman's.
    """
    rows = views.answer_lengths(store, teacher, query_ids)
    sides = [[(str(place), float(value)) for place, value in enumerate(side)] for side in zip(*rows, strict=True)]
    correlation = spearman(*sides) if len(rows) >= FEWEST else None
    if correlation is None:
        return {}
    at = math.atanh(max(-0.999999, min(0.999999, correlation)))
    reach = 1.96 * math.sqrt(1.06 / (len(rows) - 3))
    return {"answer length": Interval(correlation, math.tanh(at - reach), math.tanh(at + reach), len(rows))}


def against_qrels(
    store: Store, teacher: str, query_ids: Sequence[str], runs: Sequence[Run]
) -> tuple[dict[str, Interval], Comparison | None]:
    """Return the nDCG@10 of the teacher's order and, with a student's runs, its lead over them on the same passages."""
    judgements = Judgements(tuple(views.qrels(store)), settings_of(store))
    lead = None
    if runs:
        of_student, of_teacher = _values(store, teacher, query_ids, judgements, runs)
        lead = next(iter(compared_on([MEASURE], {MEASURE: of_student}, {MEASURE: of_teacher})), None)
    (values,) = _values(store, teacher, query_ids, judgements, ())
    return means({MEASURE: list(values.values())}), lead


def _values(
    store: Store, teacher: str, query_ids: Sequence[str], judgements: Judgements, runs: Sequence[Run]
) -> list[dict[str, float]]:
    """Return query_id -> nDCG@10 by the runs' order, if there are any, and by the teacher's, of the same passages."""
    places, counts = views.judged_places(store, teacher, query_ids, runs)
    qrels = judgements.of_queries(counts).qrels
    sides = []
    for side in ("run_rank", "teacher_rank") if runs else ("teacher_rank",):
        ranks: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for place in sorted(places, key=lambda place: int(getattr(place, side))):
            ranks[place.query_id].append((getattr(place, side), max(0, place.relevance)))
        known = [qrel._replace(relevance=max(0, qrel.relevance)) for qrel in qrels]
        sides.append(measures.per_query_of_ranks([MEASURE], known, ranks, counts, judgements.left_out_below)[MEASURE])
    return sides


def agreement_figures(store: Store, teachers: tuple[str, str], query_ids: Sequence[str]) -> dict[str, Interval]:
    """Return how far two teachers agree on the passages of these queries that both have scored."""
    utilities, others = [], []
    for pairs in views.shared_orders(store, teachers, query_ids):
        orders = [
            sorted(((p, values[side]) for p, *values in pairs), key=lambda pair: (-pair[1], pair[0])) for side in (0, 1)
        ]
        if all(len({value for _, value in order}) > 1 for order in orders):
            utilities.append(dict(orders[0]))
            others.append(orders[1])
    values = agreements_of(utilities, others, Temperatures(1.0), AGREEMENTS)
    return means({name: [of_query[name] for of_query in values] for name in AGREEMENTS})
