"""What a search asks of the collection: its passages part by part, and queries by words, by text and by qrels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from workbench.records import Passage
from workbench.store.collection import HAS_TEXT
from workbench.store.views.judged import relevance_level
from workbench.store.workspace_settings import TITLE_JOINS, read_settings

if TYPE_CHECKING:
    from workbench.store.store import Store

PASSAGES_AT_ONCE = 10_000


class Judged(NamedTuple):
    """The relevance of a passage for a query, and whether that counts as relevant."""

    relevance: int
    relevant: bool


class QueryLine(NamedTuple):
    """A query as a list shows it; `text` are its first characters."""

    query_id: str
    text: str
    split: str


class Neighbours(NamedTuple):
    """The queries before and after one, None at an end, and its place among so many."""

    before: str | None
    after: str | None
    place: int
    number: int


def passage_ids(store: Store) -> pa.ChunkedArray:
    """Return the ids of the passages that have a text, in the order in which `passage_parts` yields them."""
    with store.read() as connection:
        statement = f"select passage_id from passages where {HAS_TEXT['passages']} order by rowid"
        return connection.sql(statement).to_arrow_table()["passage_id"]


def last_place(store: Store) -> int:
    """Return the place of the last passage in its table, -1 where there is none."""
    with store.read() as connection:
        ((last,),) = connection.execute("select max(rowid) from passages").fetchall()
    return -1 if last is None else int(last)


def passage_parts(store: Store, at_once: int = PASSAGES_AT_ONCE) -> Iterator[list[Passage]]:
    """Yield the passages that have a text as they are stored, so many at a time at most.

    The database is closed between two parts; what is added meanwhile is left out. By their places in the table a part
    of a million takes 0.04 s of a core, while a part in the order of ids would read, and hold, all others as well.
    """
    last = last_place(store)
    for start in range(0, last + 1, at_once):
        with store.read() as connection:
            title_join = TITLE_JOINS[read_settings(connection).title_join]
            rows = connection.execute(
                f"""
                select passage_id, title, text from passages
                where rowid between $first and $last and {HAS_TEXT["passages"]} order by rowid
                """,
                {"first": start, "last": min(last, start + at_once - 1)},
            ).fetchall()
        if rows:
            yield [Passage(passage_id, title, text, title_join) for passage_id, title, text in rows]


def stream_passages(store: Store) -> Iterator[Passage]:
    """Yield the passages that have a text as they are stored, of which a part is in memory at a time."""
    for part in passage_parts(store):
        yield from part


def queries_with(store: Store, words: str, limit: int = 20) -> list[QueryLine]:
    """Return the first queries, by id, that have a text, and `words` in it or in their id, whatever their case."""
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select query_id, left(text, 200), split from queries
            where {HAS_TEXT["queries"]} and (contains(lower(text), lower($words)) or contains(lower(query_id),
                  lower($words)))
            order by lower(query_id) <> lower($words), query_id limit $limit
            """,
            {"words": words, "limit": limit},
        ).fetchall()
    return [QueryLine(*row) for row in rows]


def neighbouring_queries(store: Store, query_id: str) -> Neighbours:
    """Return the queries before and after one, by id, among those of its split that have a text."""
    with store.read() as connection:
        row = connection.execute(
            f"""
            select max(query_id) filter (where query_id < $id), min(query_id) filter (where query_id > $id),
                   count(*) filter (where query_id <= $id), count(*)
            from queries
            where {HAS_TEXT["queries"]} and split = (select split from queries where query_id = $id)
            """,
            {"id": query_id},
        ).fetchone()
    return Neighbours(*row) if row else Neighbours(None, None, 0, 0)


def query_of_text(store: Store, text: str) -> str | None:
    """Return the id of the first query that has just this text; None if there is none."""
    with store.read() as connection:
        row = connection.execute("select min(query_id) from queries where text = ?", [text]).fetchone()
    return row[0] if row else None


def judged_passages(store: Store, query_id: str) -> dict[str, Judged]:
    """Return passage_id -> its relevance for a query."""
    with store.read() as connection:
        rows: list[tuple[str, int, bool]] = connection.execute(
            "select passage_id, relevance, relevance >= $relevance from qrels where query_id = $query",
            {"query": query_id} | relevance_level(store),
        ).fetchall()
    return {passage_id: Judged(relevance, relevant) for passage_id, relevance, relevant in rows}
