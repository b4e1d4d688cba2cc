"""Whether the database is whole: every block read, and the rows that no verb could have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, get_args

from workbench.records import GRADES, Mark, Verdict
from workbench.store.database import schema

if TYPE_CHECKING:
    from workbench.store.store import Store

# Annotations that a verb could have written; an earlier version's import could write others.
SOUND = (
    f"annotator <> '' and (grade is null or grade between {GRADES.start} and {GRADES.stop - 1}) "
    f"and verdict in ({', '.join(repr(word) for word in (*get_args(Verdict), *get_args(Mark)))})"
)


class DatabaseFacts(NamedTuple):
    """The versions of the schema and of the file's format, and the bytes of its log that is not worked in yet."""

    schema: int
    storage: str
    log: int


def facts(store: Store) -> DatabaseFacts:
    """Return what the open database says of itself."""
    with store.read() as connection:
        ((tags,),) = connection.execute(
            "select tags from duckdb_databases() where database_name = current_database()"
        ).fetchall()
        number = schema.version(connection)
    log = store.database.with_name(f"{store.database.name}.wal")
    return DatabaseFacts(number, tags.get("storage_version", "unknown"), log.stat().st_size if log.exists() else 0)


def read_whole(store: Store) -> dict[str, int]:
    """Read every value of every table, against DuckDB's checksum of its block, and return the counts of rows.

    Raises WorkbenchError if one does not fit.
    """
    with store.read() as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database() order by 1"
        ).fetchall()
        counts = {}
        for (name,) in tables:
            ((count, _),) = connection.execute(f'select count(*), bit_xor(hash(t)) from "{name}" t').fetchall()
            counts[name] = int(count)
    return counts


def unsound_annotations(store: Store) -> list[tuple[str, str, str]]:
    """Return (query id, passage id, annotator) of the annotations that are left out everywhere."""
    with store.read() as connection:
        return connection.execute(
            f"select query_id, passage_id, annotator from annotations where not ({SOUND}) order by sequence"
        ).fetchall()
