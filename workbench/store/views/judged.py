"""Which queries count in means, from which relevance a passage is relevant, and where runs rank what was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.records import Run
from workbench.store.database.changes import Part
from workbench.store.kept import kept_rows
from workbench.store.workspace_settings import settings_of

if TYPE_CHECKING:
    from workbench.store.store import Store

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


def judged_ranks(store: Store, run: Run) -> dict[str, list[tuple[int, int]]]:
    """Return query_id -> [(rank, relevance)] of the judged passages, by rank, down to the run's depth.

    The rank is trec_eval's: by similarity in single precision, equal ones by passage id from the end of the alphabet.
    So a run measures as its exported file does, also where its own order looks closer or ties differently.
    """
    values = {"run": run.run, "depth": run.depth}
    parts = [Part("hits", run.run)]
    with kept_rows(store, "judged ranks", _JUDGED_RANKS, values, parts=parts) as (connection, ranks):
        rows: list[tuple[str, list[int], list[int]]] = connection.execute(f"from {ranks} order by query_id").fetchall()
    return {query_id: list(zip(of_query, relevances, strict=True)) for query_id, of_query, relevances in rows}


_JUDGED_RANKS = """
    with judged_queries as (select distinct query_id from qrels), retrieved as (
        select query_id, passage_id,
               coalesce(try_cast(similarity as float), sign(similarity) * 'infinity'::float) as similarity
        from hits semi join judged_queries using (query_id) where run = $run and rank <= $depth
    ),
    judged as (select * from retrieved join qrels using (query_id, passage_id)),
    placed as (
        select query_id, any_value(judged.relevance) as relevance, 1 + count(*) filter (
            retrieved.similarity > judged.similarity
            or retrieved.similarity = judged.similarity and retrieved.passage_id > judged.passage_id
        ) as rank
        from retrieved join judged using (query_id) group by query_id, judged.passage_id
    )
    select query_id, list(rank order by rank) as ranks, list(relevance order by rank) as relevances
    from placed group by query_id order by query_id
"""


def ranked_counts(store: Store, run: Run) -> dict[str, int]:
    """Return query_id -> how many passages the run ranks for it, down to its depth; none for an unanswered query."""
    query = "select query_id, count(*) as ranked from hits where run = $run and rank <= $depth group by query_id"
    values = {"run": run.run, "depth": run.depth}
    with kept_rows(store, "ranked", query, values, parts=[Part("hits", run.run)]) as (connection, counted):
        rows: list[tuple[str, int]] = connection.execute(f"from {counted} order by query_id").fetchall()
    return dict(rows)
