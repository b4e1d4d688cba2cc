"""Foreign rankings: many hits at once, numbered, ordered and stored by the database itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from workbench.errors import Conflict, WorkbenchError
from workbench.records import Run
from workbench.store import arrow
from workbench.store.collection import HAS_TEXT, Added
from workbench.store.refiling import give_split

if TYPE_CHECKING:
    from workbench.store.store import Store

# Ids become numbers in their own order (DuckDB compares bytes, as Python's code points and trec_eval's strcmp do): ten
# million hits are 160 MB of numbers, and sorting them takes half a second.
_NUMBERED = f"""
    create temp table numbered_queries as
        select query_id, split, {HAS_TEXT["queries"]} as has_text, true as known,
               (row_number() over (order by query_id))::integer as query from queries;
    create temp table numbered_passages as
        select passage_id, {HAS_TEXT["passages"]} as has_text, true as known,
               (row_number() over (order by passage_id))::integer as passage from passages;
    create temp table staged (query integer, passage integer, similarity double);
"""

# Ids that the workspace does not hold get the next numbers, in any order.
_NEW_QUERIES = """
    insert into numbered_queries
        select query_id, $split, false, false, row_number() over () + (select count(*) from numbered_queries)
        from (select distinct query_id from incoming anti join numbered_queries using (query_id))
"""
_NEW_PASSAGES = """
    insert into numbered_passages
        select passage_id, false, false, row_number() over () + (select count(*) from numbered_passages)
        from (select distinct passage_id from incoming anti join numbered_passages using (passage_id))
"""

_STAGED = """
    insert into staged select query, passage, similarity from incoming
    join numbered_queries using (query_id) join numbered_passages using (passage_id)
"""

# Once all ids are there, they and the hits are numbered in order again.
_RENUMBERED = """
    create temp table unordered_queries as from numbered_queries;
    create temp table unordered_passages as from numbered_passages;
    create or replace temp table numbered_queries as
        select * replace ((row_number() over (order by query_id))::integer as query) from unordered_queries;
    create or replace temp table numbered_passages as
        select * replace ((row_number() over (order by passage_id))::integer as passage) from unordered_passages;
    create or replace temp table staged as
        select q.query, p.passage, similarity from staged
        join (select u.query as number, n.query from unordered_queries u join numbered_queries n using (query_id)) q
             on q.number = staged.query
        join (
            select u.passage as number, n.passage from unordered_passages u join numbered_passages n using (passage_id)
        ) p on p.number = staged.passage;
    drop table unordered_queries;
    drop table unordered_passages;
"""

# trec_eval's order: by similarity, equal ones by passage id from the end of the alphabet. Sorted here, as numbers, the
# hits of a query lie together in the file, which is what the views read.
_RANKED = """
    create temp table ranked as select split, query, passage, similarity, (
        row_number() over (partition by query order by similarity desc, passage desc)
    )::integer as rank
    from staged join numbered_queries using (query) order by query, rank;
    drop table staged;
"""

_NEW_IDS = """
    insert into queries by name
        select query_id, '' as text, [] as answers, split, [] as tags from numbered_queries where not known;
    insert into passages select passage_id, '', '' from numbered_passages where not known;
"""

_COUNTS = """
    select (select count(*) from numbered_queries where not known),
           (select count(*) from numbered_passages where not known),
           (select count(*) from ranked where query in (select query from numbered_queries where not has_text)
                or passage in (select passage from numbered_passages where not has_text)),
           not exists (from ranked semi join (from numbered_queries where known) using (query))
"""

_SAME = """
    select count(*) from (select * from hits where run = $run and rank <= $depth) old
    join numbered_queries using (query_id) join numbered_passages using (passage_id)
    join ranked using (query, passage, rank, similarity)
"""


class Misfit(WorkbenchError):
    """Hits that rank a passage twice for a query."""


class _NothingNew(Exception):
    """Everything is there already: the transaction goes back, and the revision stays."""


def add_ranking(
    store: Store,
    student: str,
    tables: Iterable[pa.Table],
    collection: str,
    *,
    split: str = "",
    replace: bool = False,
) -> Added:
    """Add hits (query_id, passage_id, similarity) as runs of `student`, one a split, and return how many.

    Queries and passages that the workspace does not hold are kept as ids without text, these queries as of `split`.
    All of it is one transaction, and one table is in memory at a time. Raises Misfit for a pair that comes twice,
    Conflict for another run of that name, unless it is to be replaced.
    """
    added = unchanged = 0
    try:
        with store.transaction(bulk=True), store.write("queries", "passages", "runs", "hits") as connection:
            _stage(connection, tables, split)
            counts = _counts(connection)
            for of_split, hits, depth in _sizes(connection):
                run = f"{student}@{of_split}"
                if _is_new(connection, run, (hits, depth), replace):
                    now = datetime.now(UTC).replace(tzinfo=None)
                    values = Run(run, student, of_split, depth, collection, now, imported=True)
                    connection.execute("insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
                    _keep(connection, run, of_split)
                    added += hits
                else:
                    unchanged += hits
            if not added:
                raise _NothingNew
    except _NothingNew:
        pass
    return counts._replace(hits=added, unchanged=unchanged)


def _stage(connection: duckdb.DuckDBPyConnection, tables: Iterable[pa.Table], split: str) -> None:
    """Rank the hits, and add the queries and passages that they alone name."""
    connection.execute(_NUMBERED)
    # A query of which nothing is known but its id is of the split that this import says.
    connection.execute("update numbered_queries set split = $split where not has_text and split = ''", {"split": split})
    for table in tables:
        with arrow.registered(connection, table, "incoming"):
            connection.execute(_NEW_QUERIES, {"split": split})
            connection.execute(_NEW_PASSAGES)
            connection.execute(_STAGED)
    twice = connection.execute(
        "select count(*) - count(distinct query::bigint * (1::bigint << 31) + passage) from staged"
    ).fetchone()
    if twice and twice[0]:
        raise Misfit(f"{twice[0]:,} passages are ranked for a query that they were ranked for before.")
    unknown = "select 1 from numbered_queries where not known union all select 1 from numbered_passages where not known"
    if connection.execute(f"select exists ({unknown})").fetchone() == (True,):
        connection.execute(_RENUMBERED)
    connection.execute(_RANKED)
    give_split(connection, split, "select query_id from numbered_queries semi join ranked using (query)")
    connection.execute(_NEW_IDS)


def _counts(connection: duckdb.DuckDBPyConnection) -> Added:
    """Return how many ids are new, how many hits are of ids without text, and whether any query was known."""
    row = connection.execute(_COUNTS).fetchone()
    assert row is not None
    queries, passages, without_text, no_query_known = row
    return Added(
        queries_by_id=queries, passages_by_id=passages, without_text=without_text, no_query_known=no_query_known
    )


def _sizes(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int]]:
    """Return for each split how many hits are ranked, and how deep."""
    return connection.execute("select split, count(*), max(rank) from ranked group by split order by split").fetchall()


def _is_new(connection: duckdb.DuckDBPyConnection, run: str, size: tuple[int, int], replace: bool) -> bool:
    """Return whether a run has to be written, and make room for it; `size` is its hits and depth."""
    known = connection.execute("select depth, student from runs where run = ?", [run]).fetchone()
    if not known:
        return True
    held = connection.execute("select count(*) from hits where run = ? and rank <= ?", [run, known[0]]).fetchone()
    if held and held[0] == size[0]:
        same = connection.execute(_SAME, {"run": run, "depth": known[0]}).fetchone()
        if same and same[0] == size[0]:
            return False
    if not replace:
        raise Conflict(
            f"There is another run of {known[1]!r} on the {run.rpartition('@')[2]} split.",
            "Ingest with --replace to put this one in its place, or change the name in the run's last column.",
        )
    connection.execute("delete from hits where run = ?", [run])
    connection.execute("delete from runs where run = ?", [run])
    return True


def _keep(connection: duckdb.DuckDBPyConnection, run: str, split: str) -> None:
    connection.execute(
        """
        insert into hits select $run, query_id, passage_id, rank, similarity
        from (select * from ranked where split = $split)
        join numbered_queries using (query) join numbered_passages using (passage)
        """,
        {"run": run, "split": split},
    )
