"""How a teacher's utilities are shaped, query by query, and how its order compares with the qrels and a run's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.store.database.changes import Part
from workbench.store.kept import kept_rows
from workbench.store.views.judged import relevance_level
from workbench.store.views.scored.drawn import MEASURED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.records import Run
    from workbench.store.store import Store


class UtilityShape(NamedTuple):
    """One query's utilities of one teacher.

    `margin` is the best utility less the second, `tied` counts the passages that have the best one, `at_bounds` those
    with the largest or the smallest utility that the teacher gives anywhere. `entropy` is that of the softmax at a
    temperature, in nats. `length` and `position` are rank correlations of utility with the passage's characters, and
    with its place among the query's passages as a teacher is handed them, by id; `auc` is the share of pairs of a
    relevant and another passage in which the relevant one has the higher utility, ties counting half. None where
    undefined.
    """

    query_id: str
    pairs: int
    best: float
    spread: float
    margin: float | None
    tied: int
    at_bounds: int
    entropy: float
    length: float | None
    position: float | None
    auc: float | None


class JudgedPlace(NamedTuple):
    """A judged passage's rank among the passages that were scored, by utility and by a run; 0 where there is no run."""

    query_id: str
    relevance: int
    teacher_rank: int
    run_rank: int


class ScoreSummary(NamedTuple):
    """All utilities of a teacher at a glance.

    Of the `ranked` queries, those with two passages or more, `constant` ones have the same utility for all and `tied`
    ones several passages first. `missing` counts candidates without a utility, of the `incomplete` queries that have
    others. `typical` is the median magnitude of those that are not 0, None where all are.
    """

    ranked: int
    constant: int
    tied: int
    missing: int
    incomplete: int
    lowest: float
    highest: float
    typical: float | None


# Equal values share the mean of their ranks.
RANK = "rank() over (q order by {0}) + (count(*) over (partition by query_id, {0}) - 1) / 2"
_CORRELATION = """
    case when count(*) > 2 and max(value) > min(value) and max({0}) > min({0})
         then corr(value_rank, {1}) end
"""
_SCORED = """
    select query_id, passage_id, value, relevance, coalesce(relevance >= $relevance, false) as relevant
    from utilities semi join measured using (query_id) left join qrels using (query_id, passage_id)
    where teacher = $teacher
"""
_SHAPES = f"""
    with {MEASURED}, scored as materialized ({_SCORED}),
    bounds as (select min(value) as low, max(value) as high from scored),
    lengths as (
        select passage_id, len(title) + len(text) as characters from passages semi join scored using (passage_id)
    ),
    ranked as (
        select *, max(value) over q as best, {RANK.format("value")} as value_rank,
               {RANK.format("characters")} as length_rank, row_number() over (q order by passage_id) as place
        from scored left join lengths using (passage_id) window q as (partition by query_id)
    ),
    weighed as (select *, (value - best) / $temperature as logit, exp(logit) as weight from ranked)
    select query_id, count(*) as pairs, max(value), max(value) - min(value),
           case when count(*) > 1 then max(value, 2)[1] - max(value, 2)[2] end,
           count(*) filter (value = best),
           count(*) filter (value = (select low from bounds) or value = (select high from bounds)),
           greatest(ln(sum(weight)) - sum(weight * logit) / sum(weight), 0),
           {_CORRELATION.format("characters", "length_rank")},
           {_CORRELATION.format("place", "place")},
           case when count(*) filter (relevant) between 1 and count(*) - 1
                then (sum(value_rank) filter (relevant)
                      - count(*) filter (relevant) * (count(*) filter (relevant) + 1) / 2)
                     / (count(*) filter (relevant) * (count(*) - count(*) filter (relevant))) end
    from weighed group by query_id order by query_id
"""


def utility_shapes(
    store: Store, teacher: str, query_ids: Sequence[str], temperature: float = 1.0
) -> list[UtilityShape]:
    """Return the shape of a teacher's utilities for each of these queries, which it has scored."""
    values = {"teacher": teacher, "query_ids": query_ids, "temperature": temperature} | relevance_level(store)
    with store.read() as connection:
        return [UtilityShape(*row) for row in connection.execute(_SHAPES, values).fetchall()]


def score_summary(store: Store, teacher: str) -> ScoreSummary:
    """Return all utilities of a teacher at a glance."""
    with store.read() as connection:
        row = connection.execute(
            """
            with scored as (select query_id, passage_id, value from utilities where teacher = $teacher),
            by_query as (
                select count(*) as pairs, max(value) = min(value) as constant, max(value, 2)[2] = max(value) as tied
                from scored group by query_id having count(*) > 1
            ), missing as (
                select query_id, count(*) as pairs from (select distinct query_id, passage_id from candidates)
                semi join scored using (query_id) anti join scored using (query_id, passage_id) group by query_id
            )
            select (select count(*) from by_query), (select count(*) filter (constant) from by_query),
                   (select count(*) filter (tied) from by_query), (select coalesce(sum(pairs), 0)::bigint from missing),
                   (select count(*) from missing), min(value), max(value), median(abs(value)) filter (value <> 0)
            from scored
            """,
            {"teacher": teacher},
        ).fetchone()
    assert row is not None
    return ScoreSummary(*row)


def median_spread(store: Store, teacher: str, split: str | None = None) -> float | None:
    """Return the median over queries of the standard deviation of their utilities; None if all are equal everywhere."""
    query = """
        select median(deviation) as spread from (
            select stddev_pop(value) as deviation from utilities
            semi join (select query_id from queries where $split is null or split = $split) using (query_id)
            where teacher = $teacher group by query_id having max(value) > min(value)
        )
    """
    values = {"teacher": teacher, "split": split}
    with kept_rows(store, "spread", query, values, parts=[Part("utilities", teacher)]) as (connection, spreads):
        ((spread,),) = connection.execute(f"from {spreads}").fetchall()
    return None if spread is None else float(spread)


def judged_places(
    store: Store, teacher: str, query_ids: Sequence[str], runs: Sequence[Run] = ()
) -> tuple[list[JudgedPlace], dict[str, int]]:
    """Return the ranks of judged passages among those that a teacher scored, and query_id -> how many these are.

    Of these queries alone. With `runs`, of one student, the passages are those that these rank too, and both orders are
    over the same. Equal utilities are in trec_eval's order, by passage id from the end of the alphabet.
    """
    values: dict[str, Any] = {"teacher": teacher, "query_ids": query_ids} | relevance_level(store)
    values |= {"runs": [run.run for run in runs]} if runs else {}
    of_runs = "from hits semi join measured using (query_id) where list_contains($runs, run)"
    ranked = f"(select query_id, passage_id, rank {of_runs})"
    scored = f"""
        select query_id, passage_id, relevance,
               row_number() over (q order by value desc, passage_id desc) as teacher_rank,
               {"row_number() over (q order by rank)" if runs else "0"} as run_rank
        from ({_SCORED}) {f"join {ranked} using (query_id, passage_id)" if runs else ""}
        window q as (partition by query_id)
    """
    with store.read() as connection:
        places = connection.execute(
            f"""
            with {MEASURED} select query_id, relevance, teacher_rank, run_rank from ({scored})
            where relevance is not null order by query_id, teacher_rank
            """,
            values,
        ).fetchall()
        counts = connection.execute(
            f"with {MEASURED} select query_id, count(*) from ({scored}) group by query_id", values
        ).fetchall()
    return [JudgedPlace(*row) for row in places], {query_id: int(count) for query_id, count in counts}


def shared_orders(store: Store, teachers: tuple[str, str], query_ids: Sequence[str]) -> list[Any]:
    """Return [(passage_id, first utility, second utility)] of those of these queries that both teachers have scored."""
    with store.read() as connection:
        rows = connection.execute(
            f"""
            with {MEASURED}, shared as (
                select query_id, passage_id, a.value as first, b.value as second
                from (from utilities semi join measured using (query_id) where teacher = $first) a
                join (from utilities semi join measured using (query_id) where teacher = $second) b
                     using (query_id, passage_id)
            )
            select list((passage_id, first, second) order by passage_id) from shared
            group by query_id having count(*) > 1 order by query_id
            """,
            {"first": teachers[0], "second": teachers[1], "query_ids": query_ids},
        ).fetchall()
    return [pairs for (pairs,) in rows]
