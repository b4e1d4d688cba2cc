"""A collection into the workspace: new rows, changed ones, and ids that come without their text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.errors import Conflict
from workbench.store import arrow
from workbench.store.database.changes import Table
from workbench.store.refiling import give_split, refile_runs

if TYPE_CHECKING:
    import duckdb

    from workbench.records import Passage, Qrel, Query


class Added(NamedTuple):
    """How many rows a write put in, and how many were there already; `tagged` queries had no tags before.

    Queries and passages of which the files hold no more than the id are counted apart, in `queries_by_id` and
    `passages_by_id`; `filled` ones were known by id only and have their text now. Of the hits or qrels that were
    given, `without_text` are of such a query or passage. `no_query_known` says that the workspace had none of their
    queries.
    """

    queries: int = 0
    passages: int = 0
    qrels: int = 0
    unchanged: int = 0
    replaced: int = 0
    tagged: int = 0
    filled: int = 0
    queries_by_id: int = 0
    passages_by_id: int = 0
    without_text: int = 0
    hits: int = 0
    no_query_known: bool = False

    @classmethod
    def total(cls, parts: Iterable[Added]) -> Added:
        """Return the sums of several writes; none of their queries was known only if that is so of each of them."""
        writes = list(parts)
        sums = [sum(column) for column in zip(*(write[:-1] for write in writes), strict=True)]
        return cls._make([*sums, bool(writes) and all(write.no_query_known for write in writes)])


HAS_TEXT = {"queries": "text <> ''", "passages": "(title <> '' or text <> '')"}
# Where no text of some thousand is empty, DuckDB knows that without reading them.
BY_ID = {"queries": "text = ''", "passages": "title = '' and text = ''"}
_KEYS = {"queries": ("query_id",), "passages": ("passage_id",), "qrels": ("query_id", "passage_id")}
# Whoever names no text, split or tags says nothing of them.
_DIFFERS = {
    "queries": "rows.text <> '' and (old.text <> rows.text or old.answers <> rows.answers "
    "or (old.split <> rows.split and rows.split <> '') "
    "or (old.tags <> rows.tags and len(old.tags) > 0 and len(rows.tags) > 0))",
    "passages": "(rows.title <> '' or rows.text <> '') and (old.title <> rows.title or old.text <> rows.text)",
    "qrels": "old.relevance <> rows.relevance",
}
# What utilities are about: they are of the past where it changes.
_TEXT_DIFFERS = {
    "queries": "old.text <> rows.text or old.answers <> rows.answers",
    "passages": "old.title <> rows.title or old.text <> rows.text",
    "qrels": "false",
}
# Which of readers' answers were made from the texts that changed.
_READ = {
    "queries": "query_id in (select query_id from changed where text_differs)",
    "passages": "list_has_any(passages, (select list(passage_id) from changed where text_differs))",
}
_FILL = {
    "queries": """
        update queries set text = rows.text, answers = if(rows.text <> '', rows.answers, queries.answers),
               split = coalesce(nullif(rows.split, ''), queries.split),
               tags = if(len(rows.tags) > 0, rows.tags, queries.tags)
        from rows where queries.query_id = rows.query_id and queries.text = ''
              and (rows.text <> '' or (rows.split <> '' and queries.split = ''))
    """,
    "passages": """
        update passages set title = rows.title, text = rows.text
        from rows where passages.passage_id = rows.passage_id and passages.title = '' and passages.text = ''
              and (rows.title <> '' or rows.text <> '')
    """,
}


def written(*, replace: bool, passages_alone: bool) -> tuple[Table, ...]:
    """Return the tables that adding a collection may change: hits too, which follow their queries' splits."""
    of_texts: tuple[Table, ...] = ("utilities", "failures", "answers") if replace else ()
    of_queries: tuple[Table, ...] = () if passages_alone else ("queries", "qrels", "runs", "hits")
    return "passages", *of_queries, *of_texts


def add_collection(
    connection: duckdb.DuckDBPyConnection,
    rows: tuple[Sequence[Query], Sequence[Passage], Sequence[Qrel]],
    split: str,
    replace: bool,
) -> Added:
    """Add queries, passages and qrels; `split` is that of new queries for which nothing else says it.

    A query without text, or a passage with neither title nor text, is known by its id only, and so is one that only
    qrels name; text that comes later fills it in.
    """
    queries, passages, qrels = _in_split(connection, rows[0], split), *rows[1:]
    named = {"queries": queries, "passages": passages, "qrels": qrels}
    filled = sum(_fill(connection, name, named[name]) for name in _FILL)
    replaced = sum(_clear_changed(connection, name, members, replace) for name, members in named.items())
    before = {name: _sizes(connection, name) for name in _FILL}
    inserted = [arrow.insert(connection, name, members) for name, members in named.items()]
    strangers = _add_ids(connection, qrels, split)
    (new_queries, queries_by_id), (new_passages, passages_by_id) = (
        tuple(after - earlier for after, earlier in zip(_sizes(connection, name), before[name], strict=True))
        for name in _FILL
    )
    tagged = _add_tags(connection, queries)
    given = len(queries) + len(passages) + len(qrels)
    return Added(
        queries=new_queries,
        passages=new_passages,
        qrels=inserted[2],
        unchanged=given - sum(inserted) - tagged - filled,
        replaced=replaced,
        tagged=tagged,
        filled=filled,
        queries_by_id=queries_by_id,
        passages_by_id=passages_by_id,
        without_text=_without_text(connection, qrels),
        no_query_known=bool(qrels) and strangers == len({qrel.query_id for qrel in qrels}),
    )


def _in_split(connection: duckdb.DuckDBPyConnection, queries: Sequence[Query], split: str) -> Sequence[Query]:
    """Return queries, those that come without a split with the one they have, new ones with `split`."""
    if all(query.split for query in queries):
        return queries
    held = dict(connection.execute("select query_id, split from queries").fetchall())
    return [query if query.split else query._replace(split=held.get(query.query_id, split)) for query in queries]


def _sizes(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[int, int]:
    """Return how many queries or passages have a text, and how many are known by id only."""
    ((rows, by_id),) = connection.execute(
        f"select (select count(*) from {name}), (select count(*) from {name} where {BY_ID[name]})"
    ).fetchall()
    return int(rows - by_id), int(by_id)


def _fill(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Sequence[Any]]) -> int:
    """Give queries or passages that are known by id only their text; return how many got one."""
    if not rows or not (before := _sizes(connection, name)[1]):
        return 0
    with arrow.registered(connection, arrow.table(name, rows)):
        changed = arrow.changed(connection.execute(_FILL[name]))
    if changed and name == "queries":
        refile_runs(connection)
    return before - _sizes(connection, name)[1]


def _add_ids(connection: duckdb.DuckDBPyConnection, qrels: Sequence[Qrel], split: str) -> int:
    """Add the queries and passages that only qrels name; return how many queries these are."""
    if not qrels:
        return 0
    with arrow.registered(connection, arrow.table("qrels", qrels)):
        give_split(connection, split, "select query_id from rows")
        connection.execute("insert into passages select distinct passage_id, '', '' from rows on conflict do nothing")
        return arrow.changed(
            connection.execute(
                "insert into queries by name select distinct query_id, '' as text, [] as answers, $split as split, "
                "[] as tags from rows on conflict do nothing",
                {"split": split},
            )
        )


def _without_text(connection: duckdb.DuckDBPyConnection, qrels: Sequence[Qrel]) -> int:
    """Return how many of the qrels are of a query or passage that is known by id only."""
    if not qrels:
        return 0
    with arrow.registered(connection, arrow.table("qrels", qrels)):
        ((count,),) = connection.execute(
            f"""
            select count(*) from rows
            where query_id in (select query_id from queries where {BY_ID["queries"]})
                  or passage_id in (select passage_id from passages where {BY_ID["passages"]})
            """
        ).fetchall()
    return int(count)


def _clear_changed(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Sequence[Any]], replace: bool
) -> int:
    """Delete the stored rows of `name` that `rows` contradict, or raise Conflict; return how many."""
    if not rows:
        return 0
    key = _KEYS[name]
    listed = ", ".join(f"old.{column}" for column in key)
    with arrow.registered(connection, arrow.table(name, rows)):
        if not connection.execute(f"select 1 from {name} semi join rows using ({', '.join(key)}) limit 1").fetchall():
            return 0
        connection.execute(
            f"create or replace temp table changed as select {listed}, bool_or({_TEXT_DIFFERS[name]}) as text_differs "
            f"from {name} old join rows on {arrow.same('old', 'rows', key)} where {_DIFFERS[name]} group by all"
        )
    changed = connection.execute(f"select {', '.join(key)} from changed order by all").fetchall()
    if not changed:
        return 0
    if not replace:
        same_text = name == "queries" and not connection.execute("from changed where text_differs").fetchone()
        differs = "another split or other tags" if same_text else "other content"
        shown = "; ".join(" / ".join(ids) for ids in changed[:5])
        raise Conflict(
            f"{len(changed):,} of the {name} are in the workspace with {differs}, the first being {shown}.",
            "Ingest into a new workspace, or with --replace: it forgets only utilities that were about another text.",
        )
    connection.execute(f"delete from {name} using changed where {arrow.same(name, 'changed', key)}")
    for derived in ("utilities", "failures"):
        same = arrow.same(derived, "changed", key)
        connection.execute(f"delete from {derived} using changed where text_differs and {same}")
    if name in _READ:
        connection.execute(f"delete from answers where {_READ[name]}")
    return len(changed)


def _add_tags(connection: duckdb.DuckDBPyConnection, queries: Sequence[Query]) -> int:
    """Give tags to the stored queries that have none; return how many got some."""
    if not any(query.tags for query in queries):
        return 0
    with arrow.registered(connection, arrow.table("queries", queries)):
        return arrow.changed(
            connection.execute(
                "update queries set tags = rows.tags from rows "
                "where queries.query_id = rows.query_id and len(queries.tags) = 0 and len(rows.tags) > 0"
            )
        )
