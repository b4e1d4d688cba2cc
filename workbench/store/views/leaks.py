"""Leaks: which queries of dev and test share a passage or a wording with the train split."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.store.collection import HAS_TEXT
from workbench.store.workspace_settings import settings_of

if TYPE_CHECKING:
    from workbench.store.store import Store


class SeenQuery(NamedTuple):
    """Why a query is no unseen one: what of it the train split has too."""

    query_id: str
    shared_passage: bool
    near_passage: bool
    near_query: bool


class LeakCounts(NamedTuple):
    """How many queries of a split are seen, and why; one can be seen for several reasons.

    `judged` have a relevant passage. `shared_passage` have one that is relevant to a train query too, `near_passage`
    one that is a near-duplicate of such a passage, `near_query` a text that is a near-duplicate of a train query's.
    """

    split: str
    queries: int
    judged: int
    shared_passage: int
    near_passage: int
    near_query: int
    seen: int
    unseen: int


_LEAKS = """
    with
    relevant as (select query_id, passage_id from qrels where relevance >= $level),
    of_train as (select query_id from queries where split = 'train'),
    train_passages as (select distinct passage_id from relevant semi join of_train using (query_id)),
    groups as (select id, kind, group_id from near_duplicates),
    train_groups as (
        select distinct kind, group_id from groups where kind = 'passage' and id in (from train_passages)
        union select distinct kind, group_id from groups where kind = 'query' and id in (from of_train)
    ),
    -- A passage that is itself relevant to a train query is shared, whatever copies of it there are.
    passage_leaks as (
        select query_id, bool_or(trained.passage_id is not null) as shared_passage,
               bool_or(trained.passage_id is null and train_groups.group_id is not null) as near_passage
        from relevant
        left join train_passages trained using (passage_id)
        left join (from groups where kind = 'passage') own on own.id = relevant.passage_id
        left join train_groups on train_groups.kind = 'passage' and train_groups.group_id = own.group_id
        group by query_id
    ),
    leaks as (
        select query_id, split, passage_leaks.query_id is not null as judged,
               coalesce(shared_passage, false) as shared_passage, coalesce(near_passage, false) as near_passage,
               query_id in (select id from groups semi join train_groups using (kind, group_id) where kind = 'query')
                   as near_query
        from queries left join passage_leaks using (query_id)
        where split not in ('', 'train')
    )
"""


def seen_queries(store: Store, split: str) -> dict[str, SeenQuery]:
    """Return the seen queries of a split by id, as the workspace's relevance level has it; none of train itself."""
    with store.read() as connection:
        rows = connection.execute(
            _LEAKS
            + """
            select query_id, shared_passage, near_passage, near_query from leaks
            where split = $split and (shared_passage or near_passage or near_query) order by query_id
            """,
            {"split": split, "level": settings_of(store).relevance},
        ).fetchall()
    return {row[0]: SeenQuery(*row) for row in rows}


def train_queries(store: Store) -> int:
    """Return how many queries of train have a text."""
    with store.read() as connection:
        ((count,),) = connection.execute(
            f"select count(*) from queries where split = 'train' and {HAS_TEXT['queries']}"
        ).fetchall()
    return int(count)


def leak_counts(store: Store) -> list[LeakCounts]:
    """Return for each split but train how many of its queries are seen."""
    with store.read() as connection:
        rows = connection.execute(
            _LEAKS
            + """
            select split, count(*), count_if(judged), count_if(shared_passage), count_if(near_passage),
                   count_if(near_query), count_if(shared_passage or near_passage or near_query),
                   count_if(not (shared_passage or near_passage or near_query))
            from leaks group by split order by split
            """,
            {"level": settings_of(store).relevance},
        ).fetchall()
    return [LeakCounts(*row) for row in rows]
