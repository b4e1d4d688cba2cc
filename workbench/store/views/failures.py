"""What a teacher could not score, and why: pair by pair, and by reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.records import Failure

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store.store import Store


class FailureReason(NamedTuple):
    """Why a teacher could not score, how many pairs that holds for, and the first of them."""

    reason: str
    pairs: int
    query_id: str
    passage_id: str


class PairCounts(NamedTuple):
    """How many pairs a teacher has scored, and how many it could not."""

    scored: int
    failed: int


# The pairs of one teacher that failed, of one split's queries or all.
_OF_TEACHER = """
    select query_id, passage_id, split, teacher, reason from failures join queries using (query_id)
    where ($teacher is null or teacher = $teacher) and ($split is null or split = $split)
"""


def failures(store: Store, teacher: str, query_id: str | None = None) -> list[Failure]:
    """Return the pairs that a teacher could not score, of one query or all, and why."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select query_id, passage_id, teacher, reason from failures
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
    """Return why a teacher could not score pairs of a split or of all queries, the most frequent reason first."""
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select reason, count(*), min((query_id, passage_id)) as first from ({_OF_TEACHER})
            group by reason order by count(*) desc, reason
            """,
            {"teacher": teacher, "split": split},
        ).fetchall()
    return [FailureReason(reason, pairs, *first) for reason, pairs, first in rows]


def pair_counts(store: Store, teacher: str, split: str | None = None) -> PairCounts:
    """Return how many pairs of a split or of all queries a teacher has scored, and how many it could not."""
    of_split = "semi join (select query_id from queries where $split is null or split = $split) using (query_id)"
    with store.read() as connection:
        row = connection.execute(
            f"""
            select (select count(*) from utilities {of_split} where teacher = $teacher),
                   (select count(*) from failures {of_split} where teacher = $teacher)
            """,
            {"teacher": teacher, "split": split},
        ).fetchone()
    assert row is not None
    return PairCounts(*row)
