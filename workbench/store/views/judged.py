"""Which queries count in means, from which relevance a passage is relevant, and where runs rank what was judged."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from cachetools import LRUCache, cached

from workbench.records import Run
from workbench.store.database.changes import Part
from workbench.store.database.connection import in_transaction
from workbench.store.kept import kept_rows
from workbench.store.workspace_settings import settings_of

if TYPE_CHECKING:
    from workbench.store.store import Store

REMEMBERED_QUERIES = 500_000  # of all runs that this process has measured: about 200 MB

# The queries that have a qrel, or of these the ones with a relevant passage where others are left out.
JUDGED = "(select query_id from qrels group by query_id having not $left_out or max(relevance) >= $relevance)"
# The queries that have a qrel, and no relevant passage.
WITHOUT_RELEVANT = "(select query_id from qrels group by query_id having max(relevance) < $relevance)"


def relevance_level(store: Store) -> dict[str, object]:
    """Return the value of $relevance, from which a passage is relevant."""
    return {"relevance": settings_of(store).relevance}


def judging(store: Store) -> dict[str, object]:
    """Return the values of $relevance and $left_out, by which queries count."""
    settings = settings_of(store)
    return {"relevance": settings.relevance, "left_out": settings.without_relevant == "left out"}


class RankedQuery(NamedTuple):
    """How many passages a run ranks for a query, and [(rank, relevance)] of the judged ones among them, by rank."""

    ranked: int
    judged: list[tuple[int, int]]


def ranked_queries(store: Store, run: Run) -> Mapping[str, RankedQuery]:
    """Return query_id -> what a run ranks for it, down to its depth; none for an unanswered query.

    The rank is trec_eval's: by similarity in single precision, equal ones by passage id from the end of the alphabet.
    So a run measures as its exported file does, also where its own order looks closer or ties differently. Where there
    are many runs a new one makes no old one read again.
    """
    if in_transaction(store.database):  # what is read may be rolled back
        return _ranked_queries(store, run)
    return _remembered(store, run, store.changes().last([Part("hits", run.run), "qrels"]))


def _remembered_as(store: Store, run: Run, last_change: int) -> Hashable:
    return store.path, run, last_change


@cached(LRUCache(REMEMBERED_QUERIES, getsizeof=len), key=_remembered_as, lock=Lock())
def _remembered(store: Store, run: Run, last_change: int) -> Mapping[str, RankedQuery]:
    return _ranked_queries(store, run)


def _ranked_queries(store: Store, run: Run) -> Mapping[str, RankedQuery]:
    values = {"run": run.run, "depth": run.depth}
    with kept_rows(store, "ranked", _RANKED, values, parts=[Part("hits", run.run)]) as (connection, ranked):
        rows: list[tuple[str, int, list[int] | None, list[int] | None]] = connection.execute(
            f"from {ranked} order by query_id"
        ).fetchall()
    return {
        query_id: RankedQuery(number, list(zip(ranks or (), relevances or (), strict=True)))
        for query_id, number, ranks, relevances in rows
    }


_RANKED = """
    with of_run as (select query_id, passage_id, similarity from hits where run = $run and rank <= $depth),
    retrieved as (
        select query_id, passage_id,
               coalesce(try_cast(similarity as float), sign(similarity) * 'infinity'::float) as similarity
        from of_run semi join qrels using (query_id)
    ),
    judged as (select * from retrieved join qrels using (query_id, passage_id)),
    placed as (
        select query_id, any_value(judged.relevance) as relevance, 1 + count(*) filter (
            retrieved.similarity > judged.similarity
            or retrieved.similarity = judged.similarity and retrieved.passage_id > judged.passage_id
        ) as rank
        from retrieved join judged using (query_id) group by query_id, judged.passage_id
    )
    select query_id, ranked, ranks, relevances
    from (select query_id, count(*) as ranked from of_run group by query_id) left join (
        select query_id, list(rank order by rank) as ranks, list(relevance order by rank) as relevances
        from placed group by query_id
    ) using (query_id) order by query_id
"""
