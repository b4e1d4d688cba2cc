"""The pairs that lack a utility: those a teacher was not asked about yet, and those it could not score, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from workbench.records import STATUSES, Failure, Group, Status
from workbench.store.views.collection import passages, queries
from workbench.store.views.scored.teacher_names import asked_teachers

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store.store import Store


class FailureReason(NamedTuple):
    """Why a teacher could not score, how many pairs that holds for, and the first of them with the answer to it."""

    reason: str
    pairs: int
    query_id: str
    passage_id: str
    status: Status = "failed"
    answer: str = ""


class PairCounts(NamedTuple):
    """How many pairs a teacher has scored, and how many it could not, by their status."""

    scored: int
    failed: int
    refused: int
    unreadable: int

    @property
    def failures(self) -> int:
        """Return how many pairs it could not score, for whatever reason."""
        return self.failed + self.refused + self.unreadable


def unscored(
    store: Store,
    teacher: str,
    split: str | None = None,
    limit: int | None = None,
    *,
    with_answers: bool = False,
    retry: Collection[Status] = (),
) -> list[tuple[str, int]]:
    """Return (query_id, number of candidates) for the first `limit` queries of a split, where any is missing.

    The limit counts queries with candidates, scored or not: asking again for the same 200 asks for nothing new. Only
    queries `with_answers` count, if asked for. Failures of the statuses to `retry` count as missing.

    Queries that share candidates come one after the other, in the order of each one's most shared candidate: a teacher
    can then read a passage once for many queries.
    """
    with store.read() as connection:
        rows: list[tuple[str, int]] = connection.execute(
            f"""
            with asked as (
                select query_id from queries semi join candidates using (query_id)
                where ($split is null or split = $split) and (len(answers) > 0 or not $with_answers)
                order by query_id limit $limit
            ), missing as (
                select query_id, passage_id from ({_MISSING})
            ), shared as (
                select passage_id, count(*) as queries from missing group by passage_id
            )
            select query_id, count(*) from missing join shared using (passage_id)
            group by query_id order by max((queries, passage_id)) desc, query_id
            """,
            {"teacher": teacher, "split": split, "limit": limit, "with_answers": with_answers, "retry": [*retry]},
        ).fetchall()
    return rows


# Of the queries that are `asked`: the others' candidates are neither held nor grouped.
_MISSING = """
    select query_id, passage_id, min(rank) as rank from (from candidates semi join asked using (query_id))
    anti join (select query_id, passage_id from utilities where teacher = $teacher) using (query_id, passage_id)
    anti join (
        select query_id, passage_id from failures
        where teacher = $teacher and not list_contains($retry::varchar[], status)
    ) using (query_id, passage_id)
    group by query_id, passage_id
"""


def groups(store: Store, teacher: str, query_ids: Sequence[str], *, retry: Collection[Status] = ()) -> list[Group]:
    """Return the given queries with those of their candidates that `teacher` has not scored.

    Of its failures only those of the statuses to `retry` are among them. The passages of a query are in the order of
    the best rank that one of their sources gives them, ties by id; those that none ranks come last.
    """
    with store.read() as connection:
        pairs = connection.execute(
            f"""
            with asked as (select unnest($ids) as query_id)
            select query_id, passage_id from ({_MISSING}) order by query_id, rank nulls last, passage_id
            """,
            {"teacher": teacher, "ids": list(query_ids), "retry": [*retry]},
        ).fetchall()
    wanted = defaultdict(list)
    for query_id, passage_id in pairs:
        wanted[query_id].append(passage_id)
    texts = {passage.passage_id: passage for passage in passages(store, {passage_id for _, passage_id in pairs})}
    return [
        Group(query, tuple(texts[passage_id] for passage_id in wanted[query.query_id]))
        for query in queries(store, ids=list(wanted))
    ]


# The pairs of one teacher that failed, of one split's queries or all.
_OF_TEACHER = """
    select query_id, passage_id, split, teacher, status, reason, answer
    from failures join queries using (query_id)
    where ($teacher is null or teacher = $teacher) and ($split is null or split = $split)
"""


def failures(store: Store, teacher: str, query_id: str | None = None) -> list[Failure]:
    """Return the pairs that a teacher could not score, of one query or all, and why."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select query_id, passage_id, teacher, reason, status, answer from failures
            where teacher = $teacher and ($query is null or query_id = $query) order by all
            """,
            {"teacher": teacher, "query": query_id},
        ).fetchall()
    return [Failure(*row) for row in rows]


def failures_frame(store: Store, teacher: str | None = None, split: str | None = None) -> pd.DataFrame:
    """Return the pairs that teachers could not score as a frame."""
    with store.read() as connection:
        return connection.execute(
            f"{_OF_TEACHER} order by query_id, passage_id, teacher", {"teacher": teacher, "split": split}
        ).df()


def failure_reasons(store: Store, teacher: str, split: str | None = None) -> list[FailureReason]:
    """Return why a teacher could not score pairs of a split or of all queries, the most frequent reason first.

    One reason of two statuses is two rows.
    """
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select reason, count(*), min((query_id, passage_id)), status, arg_min(answer, (query_id, passage_id))
            from ({_OF_TEACHER}) group by reason, status order by count(*) desc, reason, status
            """,
            {"teacher": teacher, "split": split},
        ).fetchall()
    return [
        FailureReason(reason, pairs, query_id, passage_id, status, answer)
        for reason, pairs, (query_id, passage_id), status, answer in rows
    ]


def pair_counts(store: Store, teacher: str, split: str | None = None) -> PairCounts:
    """Return how many pairs of a split or of all queries a teacher has scored, and how many it could not, by status.

    A derived teacher lacks what its sources could not score: a pair that several could not counts once.
    """
    of_split = "semi join (select query_id from queries where $split is null or split = $split) using (query_id)"
    by_status = ", ".join(f"count(*) filter (status = '{status}')" for status in STATUSES)
    with store.read() as connection:
        row = connection.execute(
            f"""
            select (select count(*) from utilities {of_split} where teacher = $teacher), {by_status}
            from (
                select min(status) as status from failures {of_split} where list_contains($asked, teacher)
                group by query_id, passage_id
            )
            """,
            {"teacher": teacher, "split": split, "asked": list(asked_teachers(teacher))},
        ).fetchone()
    assert row is not None
    return PairCounts(*row)
