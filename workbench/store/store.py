"""A workspace on disk: one DuckDB file beside the folders of vectors, students, jobs and exports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from workbench import files
from workbench.errors import Conflict, NothingToDo, WorkbenchError
from workbench.records import Annotation, Candidate, Failure, Hit, Passage, Qrel, Query, Run, Scored, Unit, Utility
from workbench.store import arrow, schema
from workbench.store.connection import attached, connected

READ_PATIENCE = 20.0
WRITE_PATIENCE = 60.0


class Added(NamedTuple):
    """How many rows a write put in, and how many were there already; `tagged` queries had no tags before."""

    queries: int
    passages: int
    qrels: int
    unchanged: int
    replaced: int
    tagged: int = 0


class Store:
    """The workspace in a folder; every call opens the database, works, and closes it again."""

    def __init__(self, path: Path | str, *, create: bool = False) -> None:
        self.path = Path(path).expanduser().resolve()
        self.database = self.path / "workbench.duckdb"
        self.overrides: dict[str, Any] = {}  # settings to measure by in place of the workspace's
        if not self.database.exists() and not create:
            raise NothingToDo(
                f"There is no workspace in {self.path}.",
                "Fill one with `workbench ingest`, or try the bundled sample with `workbench demo`.",
            )
        if self.path.exists() and not self.path.is_dir():
            raise WorkbenchError(f"{self.path} is a file; a workspace is a folder.")
        self.path.mkdir(parents=True, exist_ok=True)
        self._migrate()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    @property
    def vectors(self) -> Path:
        """Return the folder of cached vectors."""
        return self.path / "vectors"

    @property
    def students(self) -> Path:
        """Return the folder of students."""
        return self.path / "students"

    @property
    def jobs(self) -> Path:
        """Return the folder of jobs."""
        return self.path / "jobs"

    @property
    def exports(self) -> Path:
        """Return the folder of exports."""
        return self.path / "exports"

    # -- opening ------------------------------------------------------------------------------

    def _migrate(self) -> None:
        if self.database.exists():
            with self.read() as connection:
                if schema.version(connection) == len(schema.MIGRATIONS):
                    return
        with connected(self.database, read_only=False, patience=WRITE_PATIENCE) as connection:
            schema.migrate(connection)

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold a read-only connection for the block; never keep it longer than the query takes."""
        with connected(self.database, read_only=True, patience=READ_PATIENCE) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold one transaction for the block: all of it is kept, or none; the revision moves by one."""
        with connected(self.database, read_only=False, patience=WRITE_PATIENCE) as connection:
            connection.execute("begin")
            try:
                yield connection
                connection.execute("update meta set value = value + 1 where key = 'revision'")
                connection.execute("commit")
            except BaseException:
                connection.execute("rollback")
                raise

    def revision(self, *, annotations: bool = True) -> int:
        """Return how many transactions this workspace has seen, or those that did more than annotate: for caches."""
        sign = 0 if annotations else -1
        with self.read() as connection:
            row = connection.execute(
                "select sum(case key when 'revision' then value when 'annotations' then ? * value end) from meta",
                [sign],
            ).fetchone()
        return int(row[0]) if row else 0

    def snapshot(self, path: Path | str) -> Path:
        """Copy the database, consistent and while others use it, to a new file at `path`.

        Copying the live file with anything but DuckDB would drop its lock and lose others' writes.
        """
        target = Path(path).expanduser().resolve()
        if target.exists():
            raise Conflict(f"{target} exists already.", "Choose a name that is free; a snapshot overwrites nothing.")
        options = f"read_write, storage_version '{schema.STORAGE}'"
        with files.aside(target) as draft, self.read() as connection, attached(connection, draft, options) as copy:
            source = connection.execute("select current_database()").fetchone()
            assert source is not None
            connection.execute(f"copy from database {source[0]} to {copy}")
        return target

    # -- adding -------------------------------------------------------------------------------

    def add_collection(
        self,
        queries: Sequence[Query] = (),
        passages: Sequence[Passage] = (),
        qrels: Sequence[Qrel] = (),
        *,
        replace: bool = False,
    ) -> Added:
        """Add a collection in one transaction; what is there already, word for word, is left alone.

        A known id with other content raises Conflict, unless `replace`, which writes the new content
        and forgets the utilities and failures that were about the old one. Tags are no other content for a query
        that has none, here or there: they are added, or stay.
        """
        with self.write() as connection:
            replaced = sum(
                _clear_changed(connection, name, rows, replace)
                for name, rows in (("queries", queries), ("passages", passages), ("qrels", qrels))
            )
            counts = [
                _insert(connection, name, rows)
                for name, rows in (("queries", queries), ("passages", passages), ("qrels", qrels))
            ]
            tagged = _add_tags(connection, queries)
        given = len(queries) + len(passages) + len(qrels)
        new_queries, new_passages, new_qrels = counts
        return Added(new_queries, new_passages, new_qrels, given - sum(counts) - tagged, replaced, tagged)

    def add_candidates(self, candidates: Iterable[Candidate]) -> int:
        """Add candidates; return how many (query, passage, source) were new."""
        with self.write() as connection:
            return _insert(connection, "candidates", list(candidates))

    def add_scored(self, scored: Sequence[Scored], unit: Unit = "unknown", *, replace: bool = False) -> None:
        """Add a teacher's finished batch, its utilities in `unit`; a pair that fails no longer loses its failure.

        A utility that is there already stays, unless it is to be replaced. Raises Conflict for a teacher whose
        utilities are in another unit.
        """
        utilities = [row for row in scored if isinstance(row, Utility)]
        with self.write() as connection:
            _add_units(connection, {row.teacher: unit for row in scored}, replace=False)
            if replace:
                connection.register("rows", arrow.table("utilities", utilities))
                connection.execute("delete from utilities using rows where " + _same("utilities", "rows", UTILITY_KEY))
                connection.unregister("rows")
            _insert(connection, "utilities", utilities)
            _insert(connection, "failures", [row for row in scored if isinstance(row, Failure)])
            connection.register("rows", arrow.table("utilities", utilities))
            connection.execute("delete from failures using rows where " + _same("failures", "rows", UTILITY_KEY))

    def add_units(self, units: Mapping[str, Unit], *, replace: bool = False) -> None:
        """Add the units of teachers by their names; an "unknown" one changes nothing, and gives way to another.

        Raises Conflict for a teacher whose utilities are in another unit, unless that is to be replaced.
        """
        with self.write() as connection:
            _add_units(connection, units, replace=replace)

    def add_run(self, run: Run, hits: Iterable[Hit]) -> None:
        """Add a run with its hits, in place of an earlier run of that name."""
        with self.write() as connection:
            self._drop_run(connection, run.run)
            connection.execute("insert into runs values (?, ?, ?, ?, ?, ?, ?)", run._replace(created=_utc(run.created)))
            _insert(connection, "hits", list(hits))

    def add_annotation(self, annotation: Annotation) -> None:
        """Append one annotation; earlier ones stay."""
        self.add_annotations([annotation])

    def add_annotations(self, annotations: Sequence[Annotation]) -> None:
        """Append annotations in one transaction: all of them are kept, or none."""
        rows = [row._replace(created=_utc(row.created), tags=tuple(row.tags)) for row in annotations]
        with self.write() as connection:
            _insert(connection, "annotations", rows)
            connection.execute("update meta set value = value + 1 where key = 'annotations'")

    @staticmethod
    def _drop_run(connection: duckdb.DuckDBPyConnection, run: str) -> None:
        connection.execute("delete from hits where run = ?", [run])
        connection.execute("delete from runs where run = ?", [run])


UTILITY_KEY = ("query_id", "passage_id", "teacher")
_KEYS = {"queries": ("query_id",), "passages": ("passage_id",), "qrels": ("query_id", "passage_id")}
_DIFFERS = {
    # Whoever names no tags says nothing of them.
    "queries": "old.text <> rows.text or old.answers <> rows.answers or old.split <> rows.split "
    "or (old.tags <> rows.tags and len(old.tags) > 0 and len(rows.tags) > 0)",
    "passages": "old.title <> rows.title or old.text <> rows.text",
    "qrels": "old.relevance <> rows.relevance",
}


def _same(left: str, right: str, columns: Sequence[str]) -> str:
    return " and ".join(f"{left}.{column} = {right}.{column}" for column in columns)


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Sequence[Any]]) -> int:
    if not rows:
        return 0
    connection.register("rows", arrow.table(name, rows))
    ignore = "" if name in ("hits", "annotations") else " on conflict do nothing"
    inserted = connection.execute(f"insert into {name} by name select * from rows{ignore}").fetchone()
    connection.unregister("rows")
    return int(inserted[0]) if inserted else 0


def _add_units(connection: duckdb.DuckDBPyConnection, units: Mapping[str, Unit], *, replace: bool) -> None:
    held = dict(connection.execute("select teacher, unit from teachers").fetchall())
    for teacher, unit in units.items():
        known = held.get(teacher, "unknown")
        if known != "unknown" and unit in ("unknown", known):
            continue
        if known != "unknown" and not replace:
            raise Conflict(
                f"The utilities of {teacher!r} are in the unit {known!r}, these are in {unit!r}.",
                "Name the unit they are in, or add them under another teacher's name.",
            )
        connection.execute("insert or replace into teachers values (?, ?)", [teacher, unit])


def _clear_changed(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Sequence[Any]], replace: bool
) -> int:
    """Delete the stored rows of `name` that `rows` contradict, or raise Conflict; return how many."""
    if not rows:
        return 0
    key = _KEYS[name]
    connection.register("rows", arrow.table(name, rows))
    listed = ", ".join(f"old.{column}" for column in key)
    changed = connection.execute(
        f"select distinct {listed} from {name} old join rows on {_same('old', 'rows', key)} where {_DIFFERS[name]}"
    ).fetchall()
    if changed and not replace:
        shown = "; ".join(" / ".join(ids) for ids in changed[:5])
        raise Conflict(
            f"{len(changed):,} of the {name} are in the workspace with other content, the first being {shown}.",
            "Ingest into a new workspace, or with --replace, which forgets the utilities that were about the old text.",
        )
    for ids in changed:
        same = " and ".join(f"{column} = ?" for column in key)
        connection.execute(f"delete from {name} where {same}", list(ids))
        for derived in ("utilities", "failures") if name != "qrels" else ():
            connection.execute(f"delete from {derived} where {same}", list(ids))
    connection.unregister("rows")
    return len(changed)


def _add_tags(connection: duckdb.DuckDBPyConnection, queries: Sequence[Query]) -> int:
    """Give tags to the stored queries that have none; return how many got some."""
    if not any(query.tags for query in queries):
        return 0
    connection.register("rows", arrow.table("queries", queries))
    changed = connection.execute(
        "update queries set tags = rows.tags from rows "
        "where queries.query_id = rows.query_id and len(queries.tags) = 0 and len(rows.tags) > 0"
    ).fetchone()
    connection.unregister("rows")
    return int(changed[0]) if changed else 0


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
