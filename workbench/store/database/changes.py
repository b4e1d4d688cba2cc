"""What changed when: the revisions of the workspace at which its tables, or parts of them, last changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    import duckdb

Table = Literal[
    "passages", "queries", "qrels", "candidates", "utilities", "failures", "teachers", "runs", "hits", "answers",
    "read_runs", "annotations", "received", "near_duplicates", "settings",
]  # fmt: skip
TABLES: tuple[Table, ...] = get_args(Table)
# What an annotation changes, and what is left as it is.
ANNOTATIONS: tuple[Table, ...] = ("annotations", "received")
ALL_BUT_ANNOTATIONS = tuple(table for table in TABLES if table not in ANNOTATIONS)
# What the measures of runs are computed from: a batch of utilities changes none of it.
MEASURED = tuple(
    table for table in ALL_BUT_ANNOTATIONS if table not in ("candidates", "utilities", "failures", "teachers")
)


class Part(NamedTuple):
    """The rows of a table that belong to one run, of hits, or to one teacher, of utilities."""

    table: Table
    name: str


class Changes(NamedTuple):
    """The revision at which each table as a whole, and each part that changed by itself, last changed."""

    tables: Mapping[str, int]
    parts: Mapping[Part, int]

    def last(self, reads: Collection[Table | Part] = TABLES) -> int:
        """Return the revision at which any of these last changed; a table changes with each of its parts."""
        whole = {one for one in reads if not isinstance(one, Part)}
        among = [self.tables[one.table if isinstance(one, Part) else one] for one in reads]
        among += [revision for part, revision in self.parts.items() if part in reads or part.table in whole]
        return max(among)


def note(connection: duckdb.DuckDBPyConnection, changed: Collection[Table | Part]) -> None:
    """Move the revision by one, and note it for what a transaction has changed."""
    rows = [one if isinstance(one, Part) else (one, "") for one in changed]
    connection.execute("update meta set value = value + 1 where key = 'revision'")
    connection.execute(
        """
        insert into changes select unnest($tables), unnest($parts), (select value from meta where key = 'revision')
        on conflict do update set revision = excluded.revision
        """,
        {"tables": [table for table, _ in rows], "parts": [part for _, part in rows]},
    )


def read_changes(connection: duckdb.DuckDBPyConnection) -> Changes:
    """Return what changed when, of an open database."""
    rows = connection.execute("select table_name, part, revision from changes").fetchall()
    return Changes(
        {table: revision for table, part, revision in rows if not part},
        {Part(table, part): revision for table, part, revision in rows if part},
    )


# Of a database: when its files were written last and their sizes, and what was read of its changes then.
_remembered: dict[Path, tuple[list[tuple[int, int] | None], Changes]] = {}


def remembered(database: Path, read: Callable[[], Changes]) -> Changes:
    """Return what `read` returns of a database, which is called only where its files have changed.

    Reading opens the database, and every remembered answer asks for it. A transaction changes the database's file or
    the log beside it, and looking at when is harmless to its lock.
    """
    written = [_written(file) for file in (database, Path(f"{database}.wal"))]
    known = _remembered.get(database)
    if not known or known[0] != written:
        known = _remembered[database] = written, read()
    return known[1]


def _written(file: Path) -> tuple[int, int] | None:
    """Return when a file was written last, and its size; None of one that is not there: the log comes and goes."""
    try:
        state = file.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_size


def tables_read(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Table, ...]:
    """Return the tables that a query names, as DuckDB parses it; all, if it is more than one select."""
    if query not in _tables_read:
        # `get_table_names` binds the query and refuses parameters; a plan leaves out tables that are empty now.
        ((failed, names),) = connection.execute(
            """
            select (tree ->> '$.error')::boolean, json_extract_string(tree, '$..table_name')
            from (select json_serialize_sql($query) as tree)
            """,
            {"query": query},
        ).fetchall()
        _tables_read[query] = TABLES if failed else tuple(table for table in TABLES if table in names)
    return _tables_read[query]


_tables_read: dict[str, tuple[Table, ...]] = {}  # by the text of the query, of which the workbench has a few dozen
