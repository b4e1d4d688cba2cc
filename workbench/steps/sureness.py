"""What a student is sure of, held against what the teacher says and what people judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from workbench.agreement import Temperatures, probabilities, standardised
from workbench.records import Qrel
from workbench.steps.reliability import Points, ReliabilityCurve, curve

# query_id -> [(passage_id, value)]
Rankings = Mapping[str, Sequence[tuple[str, float]]]

FIRST = "probability the student gives its first passage"


def reliability_of(
    utilities: Rankings, similarities: Rankings, temperatures: Temperatures, qrels: Iterable[Qrel]
) -> dict[str, ReliabilityCurve]:
    """Return the curves of a student, its rankings in its own order, by what is observed.

    Of its first passage, whose softmax probability is predicted: the `teacher`'s probability, whether it is `relevant`
    (on judged queries; not judged is not relevant, as for measures) and whether it is `useful`. Of all pairs: the
    `utility`, by similarity with mean 0 and deviation 1 per query.
    """
    relevant = {(qrel.query_id, qrel.passage_id) for qrel in qrels if qrel.relevance > 0}
    judged = {query_id for query_id, _ in relevant}
    firsts: list[tuple[float, float, float, float]] = []
    places: list[int] = []
    scores: list[tuple[float, float]] = []
    for row, (query_id, ranked) in enumerate(similarities.items()):
        taught, first = dict(utilities[query_id]), ranked[0][0]
        sure = probabilities([value for _, value in ranked], temperatures.student)
        p = probabilities([taught[name] for name, _ in ranked], temperatures.teacher)
        known = float((query_id, first) in relevant) if query_id in judged else np.nan
        firsts.append((float(sure[0]), float(p[0]), known, float(taught[first] > 0)))
        scores += [(value, taught[name]) for name, value in standardised(ranked)]
        places += [row] * len(ranked)
    q, p, known, useful = np.array(firsts).T
    of_all, queries = np.arange(len(q)), len(q)
    has = ~np.isnan(known)
    pairs = np.array(scores).T
    found = {
        "teacher": curve(Points(q, p, of_all), (FIRST, "probability the teacher gives it"), queries, same_unit=True),
        "useful": curve(Points(q, useful, of_all), (FIRST, "share with utility above 0"), queries, same_unit=False),
        "utility": curve(
            Points(pairs[0], pairs[1], np.array(places)),
            ("similarity, mean 0 and deviation 1 per query", "mean utility"),
            queries,
            same_unit=False,
        ),
    }
    if has.any():
        points = Points(q[has], known[has], of_all[has])
        found["relevant"] = curve(points, (FIRST, "share that is relevant"), queries, same_unit=True)
    return found
