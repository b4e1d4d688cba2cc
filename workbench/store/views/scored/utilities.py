"""Teachers' utilities, and the examples made of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.records import AnswerLikelihood, Example, Passage, Unit, Utility
from workbench.store.collection import HAS_TEXT
from workbench.store.kept import kept_rows
from workbench.store.views.collection import passages, queries, queries_by
from workbench.store.views.judged import JUDGED, judging, relevance_level
from workbench.store.views.scored.teacher_names import READING_SIGN, hint_to_fill
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


def examples(store: Store, teacher: str, split: str, ids: Collection[str] | None = None) -> list[Example]:
    """Return the scored queries of a split with their passages, best first: what a student learns from.

    With `ids` just those of them, in memory that grows with these alone; none where none of them is scored. Raises
    NothingToDo where the split has no scored query.
    """
    wanted = "true" if ids is None else _OF_IDS
    with store.read() as connection:
        scored = connection.execute(
            f"""
            select query_id, list(passage_id order by value desc, passage_id),
                   list(value order by value desc, passage_id)
            from utilities semi join (select query_id from queries where split = $split) using (query_id)
            where teacher = $teacher and {wanted} group by query_id order by query_id
            """,
            {"teacher": teacher, "split": split} | ({} if ids is None else {"ids": list(ids)}),
        ).fetchall()
    if not scored and ids is None:
        raise NothingToDo(
            f"{teacher} has scored no query of the {split} split.",
            hint_to_fill(teacher, split),
        )
    return _examples(store, split, scored, ids)


def examples_of_qrels(store: Store, split: str) -> list[Example]:
    """Return the queries of a split that have a relevant passage, with relevance in a utility's place, best first.

    Candidates without a qrel count as 0, as in a measure; judged passages that are no candidates join them. What is
    known by id only is left out.
    """
    with store.read() as connection:
        judged = connection.execute(
            f"""
            with graded as (
                select query_id, passage_id, coalesce(relevance, 0)::double as value
                from ({_KNOWN}) left join qrels using (query_id, passage_id)
                semi join (
                    select query_id from queries where split = $split and {HAS_TEXT["queries"]}
                ) using (query_id)
                semi join (select passage_id from passages where {HAS_TEXT["passages"]}) using (passage_id)
            )
            select query_id, list(passage_id order by value desc, passage_id),
                   list(value order by value desc, passage_id)
            from graded group by query_id having max(value) >= $relevance order by query_id
            """,
            {"split": split} | relevance_level(store),
        ).fetchall()
    if not judged:
        raise NothingToDo(
            f"No query of the {split} split has a relevant passage.",
            f"Give some queries the split {split}, with qrels, or learn from a teacher.",
        )
    return _examples(store, split, judged)


_OF_IDS = "query_id in (select unnest($ids::varchar[]))"
# Every passage that is a candidate or has a qrel for a query, once.
_KNOWN = "select query_id, passage_id from candidates union select query_id, passage_id from qrels"


def _examples(
    store: Store,
    split: str,
    rows: Sequence[tuple[str, list[str], list[float]]],
    ids: Collection[str] | None = None,
) -> list[Example]:
    """Return rows of query, passages and utilities with their texts, and with all that is known of each query."""
    wanted, chosen = ("true", None) if ids is None else (_OF_IDS, {"ids": list(ids)})
    with store.read() as connection:
        known = dict(
            connection.execute(
                f"select query_id, list(passage_id) from ({_KNOWN}) where {wanted} group by query_id", chosen
            ).fetchall()
        )
    # Tags teach nothing: what is learned from must not look different because of them.
    asked = {query.query_id: query._replace(tags=()) for query in queries(store, split, ids)}
    texts = _by_id(store, {passage_id for _, ranked, _ in rows for passage_id in ranked})
    return [
        Example(
            asked[query_id],
            tuple(texts[passage_id] for passage_id in ranked),
            tuple(values),
            frozenset(known.get(query_id, ranked)),
        )
        for query_id, ranked, values in rows
    ]


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


def _by_id(store: Store, ids: set[str]) -> dict[str, Passage]:
    return {passage.passage_id: passage for passage in passages(store, ids)}
