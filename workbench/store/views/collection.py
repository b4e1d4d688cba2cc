"""What the collection holds: queries, passages, qrels, and how many of each."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import UnknownName
from workbench.records import Passage, Qrel, Query
from workbench.store.views.judged import WITHOUT_RELEVANT, relevance_level

if TYPE_CHECKING:
    from workbench.store.store import Store


class SplitCounts(NamedTuple):
    """How much of one split there is: of its `judged` queries, some have no relevant passage."""

    split: str
    queries: int
    with_answers: int
    judged: int
    without_relevant: int
    candidates: int


class TagCounts(NamedTuple):
    """How many queries have a tag; of the `judged` ones, some have no relevant passage."""

    tag: str
    queries: int
    judged: int
    without_relevant: int


class Counts(NamedTuple):
    """The size of a workspace."""

    passages: int
    queries: int
    qrels: int
    candidates: int
    utilities: int
    runs: int
    annotations: int
    splits: tuple[SplitCounts, ...]


def queries(store: Store, split: str | None = None, ids: Collection[str] | None = None) -> list[Query]:
    """Return queries by id, of one split or all; with `ids`, just those."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select query_id, text, answers, split, tags from queries
            where ($split is null or split = $split) and ($ids is null or list_contains($ids, query_id))
            order by query_id
            """,
            {"split": split, "ids": None if ids is None else list(ids)},
        ).fetchall()
    return [Query(query_id, text, tuple(answers), of, tuple(tags)) for query_id, text, answers, of, tags in rows]


# How many queries are judged, and how many of these have no relevant passage.
_JUDGED = f"""
    count(*) filter (query_id in (select query_id from qrels)), count(*) filter (query_id in {WITHOUT_RELEVANT})
"""


def tags(store: Store, split: str | None = None) -> list[TagCounts]:
    """Return the tags of the queries of a split or all, the most frequent first."""
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select tag, count(*), {_JUDGED}
            from (select query_id, unnest(tags) as tag from queries where $split is null or split = $split)
            group by tag order by count(*) desc, tag
            """,
            {"split": split} | relevance_level(store),
        ).fetchall()
    return [TagCounts(*row) for row in rows]


def query(store: Store, query_id: str) -> Query:
    """Return one query; raises UnknownName if there is none of that id."""
    if rows := queries(store, ids=[query_id]):
        return rows[0]
    raise UnknownName("query", query_id, [], "Query ids are listed by `workbench diff --json`.")


def passages(store: Store, ids: Collection[str] | None = None) -> list[Passage]:
    """Return all passages by id; with `ids`, just those."""
    with store.read() as connection:
        if ids is None:
            rows = connection.execute("select passage_id, title, text from passages order by passage_id").fetchall()
        else:
            rows = connection.execute(
                """
                select passage_id, title, text from passages
                semi join (select unnest($ids) as passage_id) using (passage_id) order by passage_id
                """,
                {"ids": list(ids)},
            ).fetchall()
    return [Passage(*row) for row in rows]


def qrels(store: Store, split: str | None = None) -> list[Qrel]:
    """Return the qrels of a split's queries, or all."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select query_id, passage_id, relevance from qrels semi join (
                select query_id from queries where $split is null or split = $split
            ) using (query_id) order by query_id, passage_id
            """,
            {"split": split},
        ).fetchall()
    return [Qrel(*row) for row in rows]


def collection_fingerprint(store: Store) -> str:
    """Return 12 hex digits that change when any passage is added, removed or edited."""
    with store.read() as connection:
        row = connection.execute(
            "select bit_xor(md5_number_lower(concat_ws(chr(31), passage_id, title, text))), count(*) from passages"
        ).fetchone()
    assert row is not None
    return f"{((row[0] or 0) + int(row[1])) % 2**48:012x}"


def counts(store: Store) -> Counts:
    """Return the size of the workspace, per split where that has a meaning."""
    tables = ("passages", "queries", "qrels", "candidates", "utilities", "runs", "annotations")
    with store.read() as connection:
        sizes = connection.execute(
            "select " + ", ".join(f"(select count(*) from {name})" for name in tables)
        ).fetchone()
        splits = connection.execute(
            f"""
            select split, count(*), count(*) filter (len(answers) > 0), {_JUDGED},
                   coalesce(sum(pairs), 0)::bigint
            from queries left join (
                select query_id, count(distinct passage_id) as pairs from candidates group by all
            ) using (query_id)
            group by split
            order by coalesce(nullif(list_position(['train', 'dev', 'test'], split), 0), 9), split
            """,
            relevance_level(store),
        ).fetchall()
    assert sizes is not None
    return Counts(*[*sizes, tuple(SplitCounts(*row) for row in splits)])
