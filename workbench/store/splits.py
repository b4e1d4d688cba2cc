"""The splits of queries: which query could go where, and giving them new ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from workbench.store import arrow
from workbench.store.refiling import runs_follow
from workbench.store.workspace_settings import settings_of

if TYPE_CHECKING:
    from workbench.store.store import Store


class SplitQuery(NamedTuple):
    """A query that can be given a split: the one it has, its tags, and whether it has a relevant passage."""

    query_id: str
    split: str
    tags: tuple[str, ...]
    judged: bool


def split_queries(store: Store) -> list[SplitQuery]:
    """Return all queries by id."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select query_id, split, tags, query_id in (select query_id from qrels where relevance >= $level)
            from queries order by query_id
            """,
            {"level": settings_of(store).relevance},
        ).fetchall()
    return [SplitQuery(query_id, split, tuple(tags), judged) for query_id, split, tags, judged in rows]


def shared_texts(store: Store) -> list[tuple[str, str]]:
    """Return pairs of a query and what it has in common with others: relevant passages and groups of near-duplicates.

    The second is a name of its own for each passage, and one for all near-duplicates of a group.
    """
    with store.read() as connection:
        return connection.execute(
            """
            select query_id, concat('passage ', coalesce(group_id, passage_id))
            from qrels left join near_duplicates on kind = 'passage' and id = passage_id where relevance >= $level
            union all select id, concat('query ', group_id) from near_duplicates where kind = 'query'
            """,
            {"level": settings_of(store).relevance},
        ).fetchall()


def split_moment(store: Store) -> datetime | None:
    """Return when queries last went from one split to another, None if none ever did."""
    with store.read() as connection:
        row = connection.execute("select value from meta where key = 'split'").fetchone()
    return datetime.fromtimestamp(row[0] / 1e6, UTC) if row else None


def set_splits(store: Store, splits: Mapping[str, str]) -> None:
    """Give queries their splits and file all rankings by them, in one transaction."""
    rows = pa.table({"query_id": pa.array(splits.keys(), pa.string()), "split": pa.array(splits.values(), pa.string())})
    with (
        store.write("queries", "runs", "hits") as connection,
        runs_follow(connection),
        arrow.registered(connection, rows),
    ):
        connection.execute("update queries set split = rows.split from rows where queries.query_id = rows.query_id")
