"""Query by query: whom teacher and student put first among the candidates, and what the student's choice gives away."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.records import Run
from workbench.store.views.judged import JUDGED, WITHOUT_RELEVANT, judging
from workbench.store.views.scored.pairs import scored_and_ranked

if TYPE_CHECKING:
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


def first_places(store: Store, teacher: str, run: Run) -> FirstPlaces:
    """Compare the teacher's and the student's first choice among the candidates, query by query."""
    with scored_and_ranked(store, teacher, run) as (connection, queries):
        row = connection.execute(
            f"""
            select count(*), count(*) filter (judged), count(*) filter (judged and query_id in {WITHOUT_RELEVANT}),
                   count(*) filter (judged and teachers_first >= $relevance),
                   count(*) filter (judged and students_first >= $relevance), count(*) filter (of_first = best_known),
                   coalesce(avg(best_known - of_first), 0)
            from (select *, query_id in {JUDGED} as judged from {queries})
            """,
            judging(store),
        ).fetchone()
    assert row is not None
    return FirstPlaces(*row)


def disagreements(store: Store, teacher: str, run: Run) -> list[Disagreement]:
    """Return the run's scored queries, those where most is given away first."""
    with scored_and_ranked(store, teacher, run) as (connection, queries):
        rows = connection.execute(
            f"""
            select query_id, text, candidates, best, rank_of_best, best - of_first as regret
            from {queries} join queries using (query_id) where split = $split order by regret desc, query_id
            """,
            {"split": run.split},
        ).fetchall()
    return [Disagreement(*row) for row in rows]
