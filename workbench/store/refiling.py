"""Splits of queries that come without one, and runs, which follow their queries from split to split."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.store import arrow

if TYPE_CHECKING:
    import duckdb

_MISFILED = """
    create or replace temp table misfiled as
        select run, query_id, student || '@' || queries.split as of_split, student, queries.split as split, depth,
               collection, created, imported, index_kind, recall
        from (select distinct run, query_id from hits) join runs using (run) join queries using (query_id)
        where queries.split <> runs.split
"""
_REFILED = """
    insert into runs select of_split, student, split, max(depth),
        if(count(distinct collection) = 1, max(collection), ''), max(created), bool_or(imported),
        coalesce(max(index_kind) filter (recall is not null), 'flat'), min(recall)
        from misfiled
        group by of_split, student, split
        on conflict do update set depth = greatest(depth, excluded.depth),
            collection = if(collection = excluded.collection, collection, ''),
            index_kind = if(excluded.recall is null, index_kind, excluded.index_kind),
            recall = least(recall, excluded.recall);
    update hits set run = misfiled.of_split from misfiled
        where hits.run = misfiled.run and hits.query_id = misfiled.query_id;
    delete from runs where run in (select run from misfiled) and run not in (select run from hits);
    drop table misfiled;
"""


def refile_runs(connection: duckdb.DuckDBPyConnection) -> int:
    """Move the hits of queries whose split is no longer that of their run; return how many queries' rankings moved.

    Nothing is lost: a run that the student does not have on the split yet is made, one that holds no hits is removed.
    A run whose rankings are of several collections names none, and is stale; its recall is the least of its parts.
    """
    connection.execute(_MISFILED)
    ((moved,),) = connection.execute("select count(*) from misfiled").fetchall()
    connection.execute(_REFILED)
    return int(moved)


def give_split(connection: duckdb.DuckDBPyConnection, split: str, query_ids: str) -> None:
    """Make queries that are known by id only, and of no split, queries of `split`; `query_ids` selects which."""
    if not split:
        return
    statement = f"update queries set split = $split where text = '' and split = '' and query_id in ({query_ids})"
    if arrow.changed(connection.execute(statement, {"split": split})):
        refile_runs(connection)


@contextmanager
def runs_follow(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """File the rankings of queries that the block gives another split under the runs of that split.

    A run is stale, and names no collection, where its student has not ranked all of the queries that it is of now.
    """
    connection.execute(
        """
        create temp table splits_before as select query_id, split from queries;
        create temp table runs_before as select student, split from runs;
        """
    )
    yield
    refile_runs(connection)
    # Whoever learnt before may have learnt on what is tested now. In microseconds, as a student's folder has it.
    connection.execute(
        """
        insert or replace into meta select 'split', epoch_us(now()) where exists (
            select 1 from queries join splits_before before using (query_id)
            where before.split not in ('', queries.split)
        )
        """
    )
    connection.execute(
        """
        update runs set collection = '' where exists (
            select 1 from queries join splits_before before using (query_id)
            where queries.split = runs.split
                  and (runs.student, before.split) not in (select (student, split) from runs_before)
        );
        drop table splits_before;
        drop table runs_before;
        """
    )
