"""Foreign rankings: many hits at once, numbered, ordered and stored by the database itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from workbench.errors import Conflict, WorkbenchError

if TYPE_CHECKING:
    from workbench.store.store import Store

# Beyond it DuckDB writes to a folder beside the database; by default it would take 80 % of the machine.
MEMORY = "1GB"

# Ids become numbers in their own order (DuckDB compares bytes, as Python's code points and trec_eval's strcmp do): ten
# million hits are 160 MB of numbers, and sorting them takes half a second.
_NUMBERED = """
    create temp table numbered_queries as
        select query_id, split, (row_number() over (order by query_id))::integer as query from queries;
    create temp table numbered_passages as
        select passage_id, (row_number() over (order by passage_id))::integer as passage from passages;
    create temp table staged (query integer, passage integer, similarity double);
"""

_STAGED = """
    insert into staged select query, passage, similarity from incoming
    left join numbered_queries using (query_id) left join numbered_passages using (passage_id)
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

_SAME = """
    select count(*) from (select * from hits where run = $run and rank <= $depth) old
    join numbered_queries using (query_id) join numbered_passages using (passage_id)
    join ranked using (query, passage, rank, similarity)
"""


class Misfit(WorkbenchError):
    """Hits that are of no query or passage of the workspace, or rank one twice."""


class _NothingNew(Exception):
    """Everything is there already: the transaction goes back, and the revision stays."""


def add_ranking(
    store: Store, student: str, tables: Iterable[pa.Table], collection: str, *, replace: bool = False
) -> int:
    """Add hits (query_id, passage_id, similarity) as runs of `student`, one a split; return how many are new.

    All of it is one transaction, and one table is in memory at a time. Raises Misfit for unknown ids and for a pair
    that comes twice, Conflict for another run of that name, unless it is to be replaced.
    """
    added = 0
    try:
        with store.write() as connection:
            connection.execute(f"set memory_limit = '{MEMORY}'")
            _stage(connection, tables)
            for split, hits, depth in _sizes(connection):
                run = f"{student}@{split}"
                if _is_new(connection, run, (hits, depth), replace):
                    now = datetime.now(UTC).replace(tzinfo=None)
                    values = [run, student, split, depth, collection, now, True]
                    connection.execute("insert into runs values (?, ?, ?, ?, ?, ?, ?)", values)
                    _keep(connection, run, split)
                    added += hits
            if not added:
                raise _NothingNew
    except _NothingNew:
        return 0
    return added


def _stage(connection: duckdb.DuckDBPyConnection, tables: Iterable[pa.Table]) -> None:
    connection.execute(_NUMBERED)
    for table in tables:
        connection.register("incoming", table)
        connection.execute(_STAGED)
        connection.unregister("incoming")
    strangers = connection.execute("select count(*) from staged where query is null or passage is null").fetchone()
    if strangers and strangers[0]:
        raise Misfit(f"{strangers[0]:,} hits are of queries or passages that the workspace does not hold.")
    twice = connection.execute(
        "select count(*) - count(distinct query::bigint * (1::bigint << 31) + passage) from staged"
    ).fetchone()
    if twice and twice[0]:
        raise Misfit(f"{twice[0]:,} passages are ranked for a query that they were ranked for before.")
    connection.execute(_RANKED)


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
