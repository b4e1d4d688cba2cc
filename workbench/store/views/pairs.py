"""Utility against similarity over the candidate pairs of one run and one teacher, aggregated in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.records import Run
from workbench.store.views.judged import JUDGED, WITHOUT_RELEVANT, judging, relevance_level

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


class FirstPlaces(NamedTuple):
    """Whom teacher and student put first among the candidates, in numbers of queries.

    The `judged` ones are those that count in means, some of them without a relevant passage in the collection.
    `regret` is the mean utility that the student's first choice gives away against the teacher's.
    """

    queries: int
    judged: int
    without_relevant: int
    teacher_relevant: int
    student_relevant: int
    same: int
    regret: float


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


# What every question about candidate pairs begins with: those of $teacher that $run ranks.
PAIRS = """
    pairs as (
        select u.query_id, u.passage_id, h.similarity, u.value as utility, h.rank, coalesce(q.relevance, 0) as relevance
        from utilities u join hits h using (query_id, passage_id) left join qrels q using (query_id, passage_id)
        where u.teacher = $teacher and h.run = $run
    )
"""


def histogram(store: Store, teacher: str, run: Run, of: str = "utility", bins: int = 48) -> list[Bin]:
    """Return the distribution of `of` ("utility" or "similarity") over the candidates of a run's queries."""
    assert of in ("utility", "similarity")
    with store.read() as connection:
        rows = connection.execute(
            f"""
            with {PAIRS}, edge as (select min({of}) as low, max({of}) as high, count(*) as n from pairs),
            wide as (select low, greatest(high - low, 1e-9) / $bins as width from edge where n > 0)
            select low + cell * width, low + (cell + 1) * width, relevant, other from (
                select least(floor(({of} - low) / width), $bins - 1) as cell, any_value(low) as low,
                       any_value(width) as width, count(*) filter (relevance >= $relevance) as relevant,
                       count(*) filter (relevance < $relevance) as other
                from pairs, wide group by cell
            ) order by cell
            """,
            {"teacher": teacher, "run": run.run, "bins": bins} | relevance_level(store),
        ).fetchall()
    return [Bin(*row) for row in rows]


def density(store: Store, teacher: str, run: Run, bins: int = 40) -> list[Cell]:
    """Return the occupied cells of a `bins` x `bins` grid of similarity against utility."""
    with store.read() as connection:
        rows = connection.execute(
            f"""
            with {PAIRS}, edge as (
                select min(similarity) as x, greatest(max(similarity) - min(similarity), 1e-9) / $bins as dx,
                       min(utility) as y, greatest(max(utility) - min(utility), 1e-9) / $bins as dy from pairs
            )
            select any_value(x + (i + 0.5) * dx), any_value(y + (j + 0.5) * dy), count(*),
                   count(*) filter (relevance >= $relevance)
            from (
                select least(floor((similarity - x) / dx), $bins - 1) as i,
                       least(floor((utility - y) / dy), $bins - 1) as j, x, dx, y, dy, relevance from pairs, edge
            ) group by i, j order by i, j
            """,
            {"teacher": teacher, "run": run.run, "bins": bins} | relevance_level(store),
        ).fetchall()
    return [Cell(*row) for row in rows]


def sample_pairs(store: Store, teacher: str, run: Run, limit: int = 4000) -> Sample:
    """Return at most `limit` pairs, every query giving its share, the same ones each time; and the total."""
    with store.read() as connection:
        total = _count(connection, teacher, run)
        rows = connection.execute(
            f"""
            with {PAIRS}, drawn as (
                select *, row_number() over (partition by query_id order by md5(query_id || passage_id)) as turn
                from pairs
            )
            select query_id, passage_id, left(queries.text, 90),
                   left(concat_ws('. ', nullif(title, ''), passages.text), 90), similarity, utility, rank, relevance,
                   relevance >= $relevance
            from drawn join queries using (query_id) join passages using (passage_id)
            order by turn, md5(query_id) limit $limit
            """,
            {"teacher": teacher, "run": run.run, "limit": limit} | relevance_level(store),
        ).fetchall()
    return Sample(tuple(Pair(*row) for row in rows), total)


def scored_similarities(store: Store, teacher: str, run: Run) -> dict[str, list[tuple[str, float]]]:
    """Return query_id -> [(passage_id, similarity)] of the passages a teacher scored and the run knows, by its rank."""
    with store.read() as connection:
        rows: list[tuple[str, list[str], list[float]]] = connection.execute(
            f"""
            with {PAIRS}
            select query_id, list(passage_id order by rank, passage_id), list(similarity order by rank, passage_id)
            from pairs group by query_id order by query_id
            """,
            {"teacher": teacher, "run": run.run},
        ).fetchall()
    return {query_id: list(zip(ids, similarities, strict=True)) for query_id, ids, similarities in rows}


def first_places(store: Store, teacher: str, run: Run) -> FirstPlaces:
    """Compare the teacher's and the student's first choice among the candidates, query by query."""
    with store.read() as connection:
        row = connection.execute(
            f"""
            with {PAIRS}, first as (
                select query_id, arg_max(relevance, (utility, passage_id)) >= $relevance as teacher_relevant,
                       arg_min(relevance, rank) >= $relevance as student_relevant,
                       arg_min(utility, rank) = max(utility) as same, max(utility) - arg_min(utility, rank) as regret,
                       query_id in {JUDGED} as judged
                from pairs group by query_id
            )
            select count(*), count(*) filter (judged),
                   count(*) filter (judged and query_id in {WITHOUT_RELEVANT}),
                   count(*) filter (judged and teacher_relevant),
                   count(*) filter (judged and student_relevant), count(*) filter (same), coalesce(avg(regret), 0)
            from first
            """,
            {"teacher": teacher, "run": run.run} | judging(store),
        ).fetchone()
    assert row is not None
    return FirstPlaces(*row)


def disagreements(store: Store, teacher: str, run: Run) -> list[Disagreement]:
    """Return the run's scored queries, those where most is given away first."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select query_id, any_value(queries.text), count(*), max(value),
                   arg_max_null(rank, (value, passage_id)), max(value) - arg_min(value, rank) as regret
            from utilities join queries using (query_id)
            left join (select query_id, passage_id, rank from hits where run = $run) using (query_id, passage_id)
            where teacher = $teacher and split = $split
            group by query_id having count(rank) > 0 order by regret desc, query_id
            """,
            {"teacher": teacher, "run": run.run, "split": run.split},
        ).fetchall()
    return [Disagreement(*row) for row in rows]


def _count(connection: duckdb.DuckDBPyConnection, teacher: str, run: Run) -> int:
    row = connection.execute(
        f"with {PAIRS} select count(*) from pairs", {"teacher": teacher, "run": run.run}
    ).fetchone()
    return int(row[0]) if row else 0
