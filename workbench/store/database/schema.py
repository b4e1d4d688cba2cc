"""The tables of a workspace and the ordered migrations that lead to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import StoreVersion

if TYPE_CHECKING:
    import duckdb

# Readable by DuckDB 1.4 and later; 2.0 would otherwise write files that only 2.0 opens.
STORAGE = "v1.4.0"

# What a file holds before its first version.
META = """
    create table if not exists meta (key varchar primary key, value bigint not null);
    insert into meta values ('schema', 0), ('revision', 0) on conflict do nothing
"""

# One entry a schema version, in order; a released entry is never edited, only followed by another.
MIGRATIONS: tuple[str, ...] = (
    """
    create table passages (passage_id varchar primary key, title varchar not null, text varchar not null);
    create table queries (
        query_id varchar primary key, text varchar not null, answers varchar[] not null, split varchar not null
    );
    create table qrels (
        query_id varchar, passage_id varchar, relevance integer not null, primary key (query_id, passage_id)
    );
    create table candidates (
        query_id varchar, passage_id varchar, source varchar, primary key (query_id, passage_id, source)
    );
    create table utilities (
        query_id varchar, passage_id varchar, teacher varchar,
        value double not null,
        answers struct(
            answer varchar, tokens integer, with_passage double, without_passage double
        )[] not null,
        truncated integer not null,
        primary key (query_id, passage_id, teacher)
    );
    create table failures (
        query_id varchar, passage_id varchar, teacher varchar, reason varchar not null,
        primary key (query_id, passage_id, teacher)
    );
    create table runs (
        run varchar primary key, student varchar not null, split varchar not null, depth integer not null,
        collection varchar not null, created timestamp not null
    );
    create table hits (
        run varchar not null, query_id varchar not null, passage_id varchar not null,
        rank integer not null, similarity double not null
    );
    create table annotations (
        query_id varchar not null, passage_id varchar not null, annotator varchar not null,
        verdict varchar not null, note varchar not null, rule varchar not null, created timestamp not null
    );
    """,
    # The count of transactions that only annotate lets a cache tell them from those that change what is annotated.
    """
    alter table annotations add column grade integer;
    alter table annotations add column tags varchar[] default [];
    alter table annotations add column flagged boolean default false;
    insert into meta values ('annotations', 0);
    """,
    "alter table queries add column tags varchar[] default [];",
    # Names of the teachers of before hold how the likelihoods of an answer's tokens were put together.
    """
    create table teachers (teacher varchar primary key, unit varchar not null);
    insert into teachers select teacher, case
        when not regexp_matches(teacher, '^(likelihood|lexical):') then 'unknown'
        when contains(teacher, ':mean:') then 'nats per token'
        when contains(teacher, ':sum:') then 'nats'
        else 'unknown' end
    from (select teacher from utilities union select teacher from failures);
    """,
    # What was made before read "title. text". A group of near-duplicates is named after its first member.
    """
    create table settings (name varchar primary key, value varchar not null);
    insert into settings select 'title_join', 'sentence' where exists (from passages);
    create table near_duplicates (
        kind varchar, id varchar, group_id varchar not null, primary key (kind, id)
    );
    alter table runs add column imported boolean default false;
    """,
    """
    alter table failures add column status varchar default 'failed';
    alter table failures add column answer varchar default '';
    """,
    # Answers are of what was read, so that runs with the same first passages share them. `queries` is how many of a
    # run's queries are read, the first ones by id, null for all.
    """
    create table answers (
        reader varchar not null, query_id varchar not null, passages varchar[] not null, answer varchar not null,
        reason varchar not null, truncated integer not null
    );
    create table read_runs (
        run varchar, reader varchar, depth integer, queries integer, primary key (run, reader, depth)
    );
    """,
    # Where the source ranked the passage; null where it ranks nothing, or where it was not kept.
    "alter table candidates add column rank integer;",
    # What a browser sends again, because it did not hear that it was kept, is known by its key and kept once.
    "create table received (idempotency_key varchar primary key);",
    # Which annotation came after which: a clock may be set back between two of them.
    """
    alter table annotations add column sequence bigint;
    update annotations set sequence = numbered.sequence
        from (select rowid as row, row_number() over (order by created, rowid) as sequence from annotations) numbered
        where annotations.rowid = numbered.row;
    """,
    # By which index a run was searched for, and what share of the nearest that finds; null of exact search.
    """
    alter table runs add column index_kind varchar default 'flat';
    alter table runs add column recall double;
    """,
    # The revision at which a table last changed, and parts of it that change by themselves: a run's hits, a teacher's
    # utilities. Annotating needs no count of its own any more.
    """
    create table changes (
        table_name varchar, part varchar, revision bigint not null, primary key (table_name, part)
    );
    insert into changes select unnest([
        'passages', 'queries', 'qrels', 'candidates', 'utilities', 'failures', 'teachers', 'runs', 'hits', 'answers',
        'read_runs', 'annotations', 'received', 'near_duplicates', 'settings'
    ]), '', (select value from meta where key = 'revision');
    delete from meta where key = 'annotations';
    """,
)


def version(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the schema version of an open database, 0 for an empty one."""
    meta = connection.execute(
        "select 1 from duckdb_tables() where table_name = 'meta' and database_name = current_database()"
    ).fetchone()
    if not meta:
        return 0
    row = connection.execute("select value from meta where key = 'schema'").fetchone()
    return int(row[0]) if row else 0


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring an open database to the newest schema, one transaction a version; a new one in a single transaction."""
    if version(connection) > len(MIGRATIONS):
        raise StoreVersion(
            f"The workspace has schema {version(connection)}; this workbench knows {len(MIGRATIONS)}.",
            "Open it with the newer utility-workbench that wrote it.",
        )
    if at := version(connection):
        for number, statements in enumerate(MIGRATIONS[at:], start=at + 1):
            _apply(connection, statements, number)
    else:
        _must_hold_no_tables(connection)
        _apply(connection, ";\n".join([META, *MIGRATIONS]), len(MIGRATIONS))


def _apply(connection: duckdb.DuckDBPyConnection, statements: str, number: int) -> None:
    """Execute statements that lead to the schema of this number, all of them or none."""
    connection.execute("begin")
    connection.execute(statements)
    connection.execute("update meta set value = ? where key = 'schema'", [number])
    connection.execute("commit")


def _must_hold_no_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise StoreVersion if a database without a schema of ours holds tables: they are another program's."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and table_name <> 'meta'"
    ).fetchall()
    if tables:
        raise StoreVersion(
            f"The database holds tables of another program, such as {tables[0][0]!r}, and no workspace.",
            "Name another folder: `workbench --workspace PATH`.",
        )
