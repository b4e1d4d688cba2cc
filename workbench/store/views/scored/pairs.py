"""Utility against similarity over the candidate pairs of one run and one teacher, aggregated in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from workbench.records import Run
from workbench.store.database.changes import Part
from workbench.store.kept import kept_rows
from workbench.store.views.judged import relevance_level
from workbench.store.views.scored.drawn import MEASURED

if TYPE_CHECKING:
    import duckdb

    from workbench.store.store import Store


class Bin(NamedTuple):
    """How many pairs have a value in [low, high), those with a relevant passage apart."""

    low: float
    high: float
    relevant: int
    other: int


class Cell(NamedTuple):
    """How many pairs fall into one cell of similarity x utility; x and y are its centre."""

    similarity: float
    utility: float
    pairs: int
    relevant: int


class Pair(NamedTuple):
    """One candidate pair as teacher and student see it; its relevance is 0 where nobody has judged it."""

    query_id: str
    passage_id: str
    query: str
    passage: str
    similarity: float
    utility: float
    rank: int
    relevance: int
    relevant: bool


class Sample(NamedTuple):
    """Some of the pairs, drawn evenly over queries, and how many there are in all."""

    pairs: tuple[Pair, ...]
    total: int


# A row a query of which the run knows a candidate: its pairs that both know, and the choices that its candidates leave.
# One join for all that is asked of pairs: it takes longer than any use of them.
_PAIRS = """
    with scored as (select query_id, passage_id, value from utilities where teacher = $teacher),
    known as (
        select query_id, passage_id, value, rank, similarity, coalesce(relevance, 0) as relevance
        from scored join (from hits where run = $run) using (query_id, passage_id)
        left join qrels using (query_id, passage_id)
    ),
    of_known as (
        select query_id, list(struct_pack(similarity, utility := value, relevance)) as pairs, max(value) as best_known,
               arg_max(struct_pack(passage_id, rank, relevance), (value, passage_id)) as favourite,
               arg_min(struct_pack(value, relevance), rank) as first
        from known group by query_id
    ),
    of_all as (
        select query_id, count(*) as candidates, max(value) as best,
               arg_max(passage_id, (value, passage_id)) as best_passage
        from scored group by query_id
    )
    select query_id, candidates, best, if(favourite.passage_id = best_passage, favourite.rank, null) as rank_of_best,
           best_known, favourite.relevance as teachers_first, first.value as of_first,
           first.relevance as students_first, pairs
    from of_known join of_all using (query_id)
"""


@contextmanager
def scored_and_ranked(store: Store, teacher: str, run: Run) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Hold a connection, and what selects the queries with candidates that the run knows, each with its `pairs`."""
    values, parts = {"teacher": teacher, "run": run.run}, [Part("utilities", teacher), Part("hits", run.run)]
    with kept_rows(store, "pairs", _PAIRS, values, parts=parts) as kept:
        yield kept


@contextmanager
def pair_values(store: Store, teacher: str, run: Run) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Hold a connection, and what selects the values of all pairs."""
    with scored_and_ranked(store, teacher, run) as (connection, queries):
        yield connection, f"(select query_id, unnest(pairs, max_depth := 2) from {queries})"


def histogram(store: Store, teacher: str, run: Run, of: str = "utility", bins: int = 48) -> list[Bin]:
    """Return the distribution of `of` ("utility" or "similarity") over the candidates of a run's queries."""
    assert of in ("utility", "similarity")
    with pair_values(store, teacher, run) as (connection, pairs):
        rows = connection.execute(
            f"""
            with edge as (select min({of}) as low, max({of}) as high, count(*) as n from {pairs}),
            wide as (select low, greatest(high - low, 1e-9) / $bins as width from edge where n > 0)
            select low + cell * width, low + (cell + 1) * width, relevant, other from (
                select least(floor(({of} - low) / width), $bins - 1) as cell, any_value(low) as low,
                       any_value(width) as width, count(*) filter (relevance >= $relevance) as relevant,
                       count(*) filter (relevance < $relevance) as other
                from {pairs}, wide group by cell
            ) order by cell
            """,
            {"bins": bins} | relevance_level(store),
        ).fetchall()
    return [Bin(*row) for row in rows]


def density(store: Store, teacher: str, run: Run, bins: int = 40) -> list[Cell]:
    """Return the occupied cells of a `bins` x `bins` grid of similarity against utility."""
    with pair_values(store, teacher, run) as (connection, pairs):
        rows = connection.execute(
            f"""
            with edge as (
                select min(similarity) as x, greatest(max(similarity) - min(similarity), 1e-9) / $bins as dx,
                       min(utility) as y, greatest(max(utility) - min(utility), 1e-9) / $bins as dy from {pairs}
            )
            select any_value(x + (i + 0.5) * dx), any_value(y + (j + 0.5) * dy), count(*),
                   count(*) filter (relevance >= $relevance)
            from (
                select least(floor((similarity - x) / dx), $bins - 1) as i,
                       least(floor((utility - y) / dy), $bins - 1) as j, x, dx, y, dy, relevance from {pairs}, edge
            ) group by i, j order by i, j
            """,
            {"bins": bins} | relevance_level(store),
        ).fetchall()
    return [Cell(*row) for row in rows]


def sample_pairs(store: Store, teacher: str, run: Run, limit: int = 4000) -> Sample:
    """Return at most `limit` pairs, every query giving its share, the same ones each time; and the total."""
    with scored_and_ranked(store, teacher, run) as (connection, queries):
        ((total,),) = connection.execute(f"select coalesce(sum(len(pairs)), 0)::bigint from {queries}").fetchall()
        # Of more queries than pairs are drawn, the last ones by this order give none.
        giving = connection.execute(
            f"select query_id from {queries} order by md5(query_id) limit $limit", {"limit": limit}
        ).fetchall()
        rows = connection.execute(
            """
            with giving as (select unnest($giving::varchar[]) as query_id), pairs as (
                select query_id, passage_id, similarity, value as utility, rank, coalesce(relevance, 0) as relevance
                from (from utilities semi join giving using (query_id) where teacher = $teacher)
                join (from hits semi join giving using (query_id) where run = $run) using (query_id, passage_id)
                left join qrels using (query_id, passage_id)
            ), drawn as (
                select *, row_number() over (partition by query_id order by md5(query_id || passage_id)) as turn
                from pairs order by turn, md5(query_id) limit $limit
            )
            select query_id, passage_id, left(queries.text, 90),
                   left(concat_ws('. ', nullif(title, ''), passages.text), 90), similarity, utility, rank, relevance,
                   relevance >= $relevance
            from drawn join queries using (query_id) join passages using (passage_id)
            order by turn, md5(query_id)
            """,
            {"giving": [query_id for (query_id,) in giving], "teacher": teacher, "run": run.run, "limit": limit}
            | relevance_level(store),
        ).fetchall()
    return Sample(tuple(Pair(*row) for row in rows), total)


def scored_similarities(
    store: Store, teacher: str, run: Run, query_ids: Sequence[str]
) -> dict[str, list[tuple[str, float]]]:
    """Return query_id -> [(passage_id, similarity)] of the passages a teacher scored and the run knows, by its rank.

    Of these queries alone.
    """
    with store.read() as connection:
        rows: list[tuple[str, list[str], list[float]]] = connection.execute(
            f"""
            with {MEASURED}
            select query_id, list(passage_id order by rank, passage_id), list(similarity order by rank, passage_id)
            from (from hits semi join measured using (query_id) where run = $run)
            semi join (from utilities semi join measured using (query_id) where teacher = $teacher)
                 using (query_id, passage_id)
            group by query_id order by query_id
            """,
            {"teacher": teacher, "run": run.run, "query_ids": query_ids},
        ).fetchall()
    return {query_id: list(zip(ids, similarities, strict=True)) for query_id, ids, similarities in rows}
