"""Foreign rankings: many hits at once, numbered, ordered and stored by the database itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pyarrow as pa

from workbench.errors import Conflict, WorkbenchError
from workbench.records import Run
from workbench.store import arrow
from workbench.store.collection import BY_ID, Added
from workbench.store.refiling import give_split

if TYPE_CHECKING:
    from workbench.store.store import Store

# Ids become numbers in their own order (DuckDB compares bytes, as Python's code points and trec_eval's strcmp do): ten
# million hits are 160 MB of numbers, and sorting them takes half a second. Texts are not read, nor sorted along.
_NUMBERED = f"""
    create temp table numbered_queries as
        select query_id, split, query_id not in (select query_id from queries where {BY_ID["queries"]}) as has_text,
               true as known, (row_number() over (order by query_id))::integer as query from queries;
    create temp table numbered_passages as
        select passage_id, passage_id not in (select passage_id from passages where {BY_ID["passages"]}) as has_text,
               true as known, (row_number() over (order by passage_id))::integer as passage from passages;
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

# Sorting and counting so many hits at once, or those of one query, needs little memory. A part of them is that of some
# queries in order, of which the first and the last are told.
ROWS_AT_ONCE = 2_000_000
_PARTS = """
    select min(query), max(query) from (
        select query, sum(hits) over (order by query) // $rows as part from (
            select query, count(*) as hits from staged group by query
        )
    ) group by part order by part
"""

_TWICE = """
    select coalesce(sum(hits - 1), 0) from (
        select count(*) as hits from staged where query between $first and $last group by query, passage
    )
"""

# trec_eval's order: by similarity, equal ones by passage id from the end of the alphabet. Sorted here, as numbers, the
# hits of a query lie together in the file, which is what the views read.
_RANKED = """
    create or replace temp table ranked as select query, passage, similarity, (
        row_number() over (partition by query order by similarity desc, passage desc)
    )::integer as rank
    from (from staged where query between $first and $last) semi join (
        select query from numbered_queries where split = $split
    ) using (query) order by query, rank
"""

_NEW_IDS = """
    insert into queries by name
        select query_id, '' as text, [] as answers, split, [] as tags from numbered_queries where not known;
    insert into passages select passage_id, '', '' from numbered_passages where not known;
"""

_COUNTS = """
    select (select count(*) from numbered_queries where not known),
           (select count(*) from numbered_passages where not known),
           (select count(*) from staged where query in (select query from numbered_queries where not has_text)
                or passage in (select passage from numbered_passages where not has_text)),
           not exists (from staged semi join (from numbered_queries where known) using (query))
"""

_HELD = "select count(*) from hits where run = $run and rank <= $depth"
_SAME = """
    select count(*) from (select * from hits where run = $run and rank <= $depth) old
    join numbered_queries using (query_id) join numbered_passages using (passage_id)
    join ranked using (query, passage, rank, similarity)
"""


_KEEP = """
    insert into hits select $run, query_id, passage_id, rank, similarity
    from ranked join numbered_queries using (query) join numbered_passages using (passage)
"""


class _Part(NamedTuple):
    """The hits of some queries, from the first to the last by number."""

    first: int
    last: int


class _StagedRun(NamedTuple):
    """What is to be the run of a split: how many hits it has, how deep it is, and the parts that hold them."""

    run: str
    split: str
    hits: int
    depth: int
    parts: list[_Part]

    def ranked(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Make its hits the table `ranked`, part by part."""
        for part in self.parts:
            connection.execute(_RANKED, part._asdict() | {"split": self.split})
            yield


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
            for staged in _staged_runs(connection, student):
                if _is_new(connection, staged, replace):
                    now = datetime.now(UTC).replace(tzinfo=None)
                    values = Run(staged.run, student, staged.split, staged.depth, collection, now, imported=True)
                    connection.execute("insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
                    for _ in staged.ranked(connection):
                        connection.execute(_KEEP, {"run": staged.run})
                    added += staged.hits
                else:
                    unchanged += staged.hits
            if not added:
                raise _NothingNew
    except _NothingNew:
        pass
    return counts._replace(hits=added, unchanged=unchanged)


def _stage(connection: duckdb.DuckDBPyConnection, tables: Iterable[pa.Table], split: str) -> None:
    """Take the hits in, and add the queries and passages that they alone name."""
    connection.execute(_NUMBERED)
    # A query of which nothing is known but its id is of the split that this import says.
    connection.execute("update numbered_queries set split = $split where not has_text and split = ''", {"split": split})
    for table in tables:
        with arrow.registered(connection, table, "incoming"):
            connection.execute(_NEW_QUERIES, {"split": split})
            connection.execute(_NEW_PASSAGES)
            connection.execute(_STAGED)
    unknown = "select 1 from numbered_queries where not known union all select 1 from numbered_passages where not known"
    if connection.execute(f"select exists ({unknown})").fetchone() == (True,):
        connection.execute(_RENUMBERED)
    if twice := sum(_number(connection, _TWICE, part._asdict()) for part in _parts(connection)):
        raise Misfit(f"{twice:,} passages are ranked for a query that they were ranked for before.")
    give_split(connection, split, "select query_id from numbered_queries semi join staged using (query)")
    connection.execute(_NEW_IDS)


def _parts(connection: duckdb.DuckDBPyConnection) -> list[_Part]:
    return [_Part(*row) for row in connection.execute(_PARTS, {"rows": ROWS_AT_ONCE}).fetchall()]


def _number(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> int:
    ((number,),) = connection.execute(query, values).fetchall()
    return int(number)


def _counts(connection: duckdb.DuckDBPyConnection) -> Added:
    """Return how many ids are new, how many hits are of ids without text, and whether any query was known."""
    row = connection.execute(_COUNTS).fetchone()
    assert row is not None
    queries, passages, without_text, no_query_known = row
    return Added(
        queries_by_id=queries, passages_by_id=passages, without_text=without_text, no_query_known=no_query_known
    )


def _staged_runs(connection: duckdb.DuckDBPyConnection, student: str) -> list[_StagedRun]:
    """Return a run for each split of the queries."""
    rows = connection.execute(
        """
        select split, sum(hits)::bigint, max(hits) from (select query, count(*) as hits from staged group by query)
        join numbered_queries using (query) group by split order by split
        """
    ).fetchall()
    parts = _parts(connection)
    return [_StagedRun(f"{student}@{split}", split, hits, depth, parts) for split, hits, depth in rows]


def _is_new(connection: duckdb.DuckDBPyConnection, staged: _StagedRun, replace: bool) -> bool:
    """Return whether a run has to be written, and make room for it."""
    run = staged.run
    known = connection.execute("select depth, student from runs where run = ?", [run]).fetchone()
    if not known:
        return True
    held = {"run": run, "depth": known[0]}
    if _number(connection, _HELD, held) == staged.hits:
        same = sum(_number(connection, _SAME, held) for _ in staged.ranked(connection))
        if same == staged.hits:
            return False
    if not replace:
        raise Conflict(
            f"There is another run of {known[1]!r} on the {staged.split} split.",
            "Ingest with --replace to put this one in its place, or change the name in the run's last column.",
        )
    connection.execute("delete from hits where run = ?", [run])
    connection.execute("delete from runs where run = ?", [run])
    return True
