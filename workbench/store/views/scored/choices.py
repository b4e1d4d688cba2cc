"""Query by query: whom teacher and student put first among the candidates, and what the student's choice gives away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from workbench.records import Run
from workbench.store.database.changes import Part
from workbench.store.kept import kept_rows
from workbench.store.views.judged import JUDGED, WITHOUT_RELEVANT, judging

if TYPE_CHECKING:
    import duckdb

    from workbench.store.store import Store


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


# A row a query with a candidate that the run knows: of all its candidates first, then of those that the run knows.
_CHOICES = """
    select query_id, count(*) as candidates, max(value) as best,
           arg_max_null(rank, (value, passage_id)) as rank_of_best, arg_min(value, rank) as of_first,
           max(value) filter (rank is not null) as best_known,
           arg_max(coalesce(relevance, 0), (value, passage_id)) filter (rank is not null) as teachers_first,
           arg_min(coalesce(relevance, 0), rank) as students_first
    from utilities
    left join (select query_id, passage_id, rank from hits where run = $run) using (query_id, passage_id)
    left join qrels using (query_id, passage_id)
    where teacher = $teacher group by query_id having count(rank) > 0
"""


@contextmanager
def _choices(store: Store, teacher: str, run: Run) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Hold a connection, and what selects the choices of teacher and student in each query."""
    values, parts = {"teacher": teacher, "run": run.run}, [Part("utilities", teacher), Part("hits", run.run)]
    with kept_rows(store, "choices", _CHOICES, values, parts=parts) as kept:
        yield kept


def first_places(store: Store, teacher: str, run: Run) -> FirstPlaces:
    """Compare the teacher's and the student's first choice among the candidates, query by query."""
    with _choices(store, teacher, run) as (connection, choices):
        row = connection.execute(
            f"""
            select count(*), count(*) filter (judged), count(*) filter (judged and query_id in {WITHOUT_RELEVANT}),
                   count(*) filter (judged and teachers_first >= $relevance),
                   count(*) filter (judged and students_first >= $relevance), count(*) filter (of_first = best_known),
                   coalesce(avg(best_known - of_first), 0)
            from (select *, query_id in {JUDGED} as judged from {choices})
            """,
            judging(store),
        ).fetchone()
    assert row is not None
    return FirstPlaces(*row)


def disagreements(store: Store, teacher: str, run: Run) -> list[Disagreement]:
    """Return the run's scored queries, those where most is given away first."""
    with _choices(store, teacher, run) as (connection, choices):
        rows = connection.execute(
            f"""
            select query_id, text, candidates, best, rank_of_best, best - of_first as regret
            from {choices} join queries using (query_id) where split = $split order by regret desc, query_id
            """,
            {"split": run.split},
        ).fetchall()
    return [Disagreement(*row) for row in rows]
