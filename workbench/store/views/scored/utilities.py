"""Teachers' utilities: what each has scored, in which unit, and how it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.records import AnswerLikelihood, Unit, Utility
from workbench.store.kept import kept_rows
from workbench.store.views.collection import queries_by
from workbench.store.views.judged import JUDGED, judging
from workbench.store.views.scored.teacher_names import READING_SIGN
from workbench.store.views.thresholds import useful_above_sql

if TYPE_CHECKING:
    from workbench.store.store import Store


class TeacherCounts(NamedTuple):
    """How much one teacher has scored, and in which unit.

    `helpful` is the share of pairs that are useful, see `useful_above`; `relevant_first` of the `judged` queries, those
    that count in means, have a relevant passage on top.
    """

    teacher: str
    unit: Unit
    queries: int
    pairs: int
    failures: int
    truncated: int
    helpful: float
    relevant_first: int
    judged: int


_TEACHERS = f"""
    with of_query as (
        select teacher, query_id, count(*) as pairs, count(*) filter (truncated > 0) as truncated,
               count(*) filter (value > {useful_above_sql("unit", "0.0")}) as helpful,
               arg_max(passage_id, (value, passage_id)) as passage_id
        from utilities left join teachers using (teacher) group by teacher, query_id
    ), first as (
        select teacher, count(*) filter (relevance >= $relevance) as relevant_first, count(*) as judged
        from of_query left join qrels using (query_id, passage_id) semi join {JUDGED} using (query_id) group by all
    ), failed as (select teacher, count(*) as failures from failures group by all),
    scored as (
        select teacher, count(*) as queries, sum(pairs)::bigint as pairs, sum(truncated)::bigint as truncated,
               sum(helpful) / sum(pairs) as helpful
        from of_query group by teacher
    )
    select teacher, coalesce(unit, 'unknown') as unit, coalesce(queries, 0) as queries, coalesce(pairs, 0) as pairs,
           coalesce(failures, 0) as failures, coalesce(truncated, 0) as truncated, coalesce(helpful, 0) as helpful,
           coalesce(relevant_first, 0) as relevant_first, coalesce(judged, 0) as judged
    from scored full join failed using (teacher) left join first using (teacher)
    left join teachers using (teacher) order by teacher
"""


def teachers(store: Store) -> list[TeacherCounts]:
    """Return what each teacher has scored."""
    with kept_rows(store, "teachers", _TEACHERS, judging(store)) as (connection, counted):
        rows = connection.execute(f"from {counted}").fetchall()
    return [TeacherCounts(*row) for row in rows]


def teacher_unit(store: Store, teacher: str) -> Unit:
    """Return the unit of a teacher's utilities, by its full name; "unknown" of one that has scored nothing."""
    with store.read() as connection:
        row: tuple[Unit] | None = connection.execute(
            "select unit from teachers where teacher = ?", [teacher]
        ).fetchone()
    return row[0] if row else "unknown"


def find_teacher(store: Store, name: str | None) -> str:
    """Return the full name of the teacher that `name` begins or equals; without a name the only one that has scored.

    A reading of a teacher's likelihoods is meant only by a name that goes beyond that teacher's.
    Raises BadSetting, naming them, where there are several; NothingToDo where no teacher has scored anything.
    """
    scored = {counted.teacher: counted.pairs > 0 for counted in teachers(store)}
    if name in scored:
        return str(name)
    matching = [teacher for teacher, any_pair in scored.items() if (teacher.startswith(name) if name else any_pair)]
    matching = [one for one in matching if one.rpartition(READING_SIGN)[0] not in matching]
    if len(matching) == 1:
        return matching[0]
    if not matching and not (name and scored):
        raise NothingToDo("No teacher has scored anything yet.", "Run `workbench score` first.")
    if not matching:
        raise UnknownName("teacher", name or "", list(scored))
    those = f"have names that begin with {name!r}" if name else "have scored here"
    raise BadSetting(f"{len(matching):,} teachers {those}.", f"Say which one (--teacher): {', '.join(matching)}.")


def utilities(store: Store, teacher: str, query_id: str | None = None) -> list[Utility]:
    """Return a teacher's utilities with the likelihoods behind them, of one query or all, best first."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select query_id, passage_id, teacher, value, answers, truncated from utilities
            where teacher = $teacher and ($query is null or query_id = $query)
            order by query_id, value desc, passage_id
            """,
            {"teacher": teacher, "query": query_id},
        ).fetchall()
    return [
        Utility(query_id, passage_id, of, value, tuple(AnswerLikelihood(**answer) for answer in answers), truncated)
        for query_id, passage_id, of, value, answers, truncated in rows
    ]


def scored_queries(store: Store, split: str) -> dict[str, int]:
    """Return teacher -> how many queries of a split it has scored."""
    return queries_by(store, "utilities", "teacher", split)
