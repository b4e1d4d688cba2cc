"""What the collection holds: queries, passages, qrels, and how many of each."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from workbench.errors import UnknownName
from workbench.records import Passage, Qrel, Query
from workbench.store.arrow import registered
from workbench.store.collection import HAS_TEXT
from workbench.store.kept import kept_rows
from workbench.store.views.judged import WITHOUT_RELEVANT, relevance_level
from workbench.store.workspace_settings import TITLE_JOINS, read_settings, settings_of

if TYPE_CHECKING:
    import duckdb

    from workbench.store.store import Store


LOOKED_UP = 2_000  # ids


class SplitCounts(NamedTuple):
    """How much of one split there is: of its `judged` queries, some have no relevant passage.

    `queries` have a text; of those `by_id` no more than the id is known.
    """

    split: str
    queries: int
    with_answers: int
    judged: int
    without_relevant: int
    candidates: int
    by_id: int = 0


class TagCounts(NamedTuple):
    """How many queries have a tag; of the `judged` ones, some have no relevant passage."""

    tag: str
    queries: int
    judged: int
    without_relevant: int


class Counts(NamedTuple):
    """The size of a workspace; of the queries and passages `by_id` no more than the id is known, from qrels or runs."""

    passages: int
    queries: int
    qrels: int
    candidates: int
    utilities: int
    runs: int
    annotations: int
    splits: tuple[SplitCounts, ...]
    queries_by_id: int = 0
    passages_by_id: int = 0


def lacking_text(store: Store, query_ids: Collection[str], passage_ids: Collection[str]) -> tuple[set[str], set[str]]:
    """Return those queries and passages of which the workspace holds no text, no more than the id or nothing."""
    lacking = []
    with store.read() as connection:
        for (name, has_text), ids in zip(HAS_TEXT.items(), (query_ids, passage_ids), strict=True):
            key = "query_id" if name == "queries" else "passage_id"
            with registered(connection, pa.table({"id": pa.array(sorted(ids), pa.string())})):
                rows = connection.execute(
                    f"select id from rows anti join (select {key} from {name} where {has_text}) known on id = {key}"
                ).fetchall()
            lacking.append({row_id for (row_id,) in rows})
    return lacking[0], lacking[1]


def queries(
    store: Store, split: str | None = None, ids: Collection[str] | None = None, *, known_by_id: bool = False
) -> list[Query]:
    """Return queries by id, of one split or all; with `ids`, just those.

    Only those with a text, which can be encoded and scored; with `known_by_id` also those of which no more is known.
    """
    wanted = "true" if ids is None else among("query_id", len(ids))
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select query_id, text, answers, split, tags from queries
            where ($split is null or split = $split) and {wanted} and ($known_by_id or {HAS_TEXT["queries"]})
            order by query_id
            """,
            {"split": split, "known_by_id": known_by_id} | ({} if ids is None else {"ids": list(ids)}),
        ).fetchall()
    return [Query(query_id, text, tuple(answers), of, tuple(tags)) for query_id, text, answers, of, tags in rows]


def queries_by(store: Store, table: str, column: str, split: str) -> dict[str, int]:
    """Return each value of a table's column with how many queries of a split it stands with, in order."""
    with store.read() as connection:
        rows: list[tuple[str, int]] = connection.execute(
            f"""
            select {column}, count(distinct query_id) from {table}
            semi join (select query_id from queries where split = ?) using (query_id) group by all order by all
            """,
            [split],
        ).fetchall()
    return dict(rows)


def without_text(store: Store, split: str | None = None) -> int:
    """Return how many queries of a split or all are known by id only, and so can be neither ranked for nor scored."""
    with store.read() as connection:
        row = connection.execute(
            f"select count(*) from queries where not {HAS_TEXT['queries']} and ($split is null or split = $split)",
            {"split": split},
        ).fetchone()
    return int(row[0]) if row else 0


# How many queries are judged, and how many of these have no relevant passage.
_JUDGED = f"""
    count(*) filter (query_id in (select query_id from qrels)) as judged,
    count(*) filter (query_id in {WITHOUT_RELEVANT}) as without_relevant
"""
TABLES = ("passages", "queries", "qrels", "candidates", "utilities", "runs")


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
    """Return one query, known by id only or with a text; raises UnknownName if there is none of that id."""
    if rows := queries(store, ids=[query_id], known_by_id=True):
        return rows[0]
    raise UnknownName("query", query_id, [], "Query ids are listed by `workbench diff --json`.")


def among(column: str, number: int) -> str:
    """Return the condition that a column's value is one of $ids, of which there are so many.

    DuckDB looks a few up in the table's index, and reads the whole table where it joins them.
    """
    few = f"list_contains($ids::varchar[], {column})"
    return few if number <= LOOKED_UP else f"{column} in (select unnest($ids::varchar[]))"


def texts_of_passages(connection: duckdb.DuckDBPyConnection, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return passage_id -> its title and text, empty where no more than the id is known."""
    rows = connection.execute(
        f"select passage_id, title, text from passages where {among('passage_id', len(ids))}", {"ids": list(ids)}
    ).fetchall()
    return {passage_id: (title, text) for passage_id, title, text in rows}


def passages(store: Store, ids: Collection[str] | None = None) -> list[Passage]:
    """Return all passages that have a title or text, by id; with `ids`, just those.

    Their title and text are joined as the workspace's setting says.
    """
    wanted = "true" if ids is None else among("passage_id", len(ids))
    with store.read() as connection:
        title_join = TITLE_JOINS[read_settings(connection).title_join]
        rows = connection.execute(
            f"""
            select passage_id, title, text from passages where {wanted} and {HAS_TEXT["passages"]} order by passage_id
            """,
            None if ids is None else {"ids": list(ids)},
        ).fetchall()
    return [Passage(passage_id, title, text, title_join) for passage_id, title, text in rows]


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


def grades(store: Store, split: str | None = None) -> list[int]:
    """Return the grades of relevance that qrels hold, of one split's queries or all, the lowest first."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select distinct relevance from qrels semi join (
                select query_id from queries where $split is null or split = $split
            ) using (query_id) order by relevance
            """,
            {"split": split},
        ).fetchall()
    return [relevance for (relevance,) in rows]


def collection_fingerprint(store: Store) -> str:
    """Return 12 hex digits that change when any passage that has a text is added, removed, edited or read otherwise.

    How a title is joined to its text counts where it is not the full stop that fingerprints were first made with.
    """
    title_join = {"title_join": settings_of(store).title_join}
    with kept_rows(store, "fingerprint", _FINGERPRINT, title_join) as (connection, fingerprint):
        ((number, passages_with_text),) = connection.execute(f"from {fingerprint}").fetchall()
    return f"{((int(number) if number else 0) + passages_with_text) % 2**48:012x}"


_FINGERPRINT = f"""
    select bit_xor(md5_number_lower(concat_ws(chr(31), passage_id, title, text,
               if($title_join <> 'sentence' and title <> '' and text <> '', $title_join, null)))) as number,
           count(*) as passages
    from passages where {HAS_TEXT["passages"]}
"""

# A union is planned six times as fast as nine subqueries of one row.
_SIZES = " union all ".join(
    f"select '{name}' as name, count(*) as number from {rows}"
    for name, rows in {
        **{table: f"{table} where {HAS_TEXT.get(table, 'true')}" for table in TABLES},
        **{f"{table}_by_id": f"{table} where not {has_text}" for table, has_text in HAS_TEXT.items()},
    }.items()
)
_SPLITS = f"""
    select split, count(*) filter ({HAS_TEXT["queries"]}) as queries,
           count(*) filter (len(answers) > 0 and {HAS_TEXT["queries"]}) as with_answers, {_JUDGED},
           coalesce(sum(pairs), 0)::bigint as candidates, count(*) filter (not {HAS_TEXT["queries"]}) as by_id
    from queries left join (
        select query_id, count(distinct passage_id) as pairs from candidates group by all
    ) using (query_id)
    group by split
    order by coalesce(nullif(list_position(['train', 'dev', 'test'], split), 0), 9), split
"""


def counts(store: Store) -> Counts:
    """Return the size of the workspace, per split where that has a meaning."""
    with kept_rows(store, "sizes", _SIZES, {}) as (connection, sizes):
        named: dict[str, Any] = dict(connection.execute(f"from {sizes}").fetchall())
        ((named["annotations"],),) = connection.execute("select count(*) from annotations").fetchall()
    with kept_rows(store, "splits", _SPLITS, relevance_level(store)) as (connection, splits):
        rows = connection.execute(f"from {splits}").fetchall()
    return Counts(**named, splits=tuple(SplitCounts(*row) for row in rows))
