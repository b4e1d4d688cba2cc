"""A workspace on disk: one DuckDB file beside the folders of vectors, students, jobs and exports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from workbench import files
from workbench.errors import Conflict, NothingToDo, WorkbenchError
from workbench.records import (
    Annotation,
    Answer,
    Candidate,
    Hit,
    Passage,
    Qrel,
    Query,
    ReadRun,
    Run,
    Scored,
    Unit,
)
from workbench.store import arrow, collection, utilities
from workbench.store.collection import Added
from workbench.store.database import copying, schema
from workbench.store.database.changes import ANNOTATIONS, TABLES, Changes, Part, Table, note, read_changes, remembered
from workbench.store.database.connection import connected, in_transaction, transaction
from workbench.store.refiling import runs_follow

READ_PATIENCE = 20.0
WRITE_PATIENCE = 60.0
ROWS_AT_ONCE = 200_000  # that are in memory, of those that may be made while they are written


class Store:
    """The workspace in a folder; every call opens the database, works, and closes it again.

    With `opened` false nothing is read or brought up to date before the first call: to look at what may be damaged.
    """

    def __init__(self, path: Path | str, *, create: bool = False, opened: bool = True) -> None:
        self.path = Path(path).expanduser().resolve()
        self.database = self.path / "workbench.duckdb"
        self.overrides: dict[str, Any] = {}  # settings to measure by in place of the workspace's
        if not create:
            self._must_exist()
        if self.path.exists() and not self.path.is_dir():
            raise WorkbenchError(f"{self.path} is a file; a workspace is a folder.")
        if opened:
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

    @property
    def uploads(self) -> Path:
        """Return the folder of files that a browser has sent."""
        return self.path / "uploads"

    @property
    def guidelines(self) -> Path:
        """Return the file of the annotators' guidelines."""
        return self.path / "guidelines.md"

    # -- opening ------------------------------------------------------------------------------

    def _must_exist(self) -> None:
        """Raise NothingToDo if the database is not there: opened for writing, an empty one would take its place."""
        if not self.database.exists():
            raise NothingToDo(
                f"There is no workspace in {self.path}.",
                "Fill one with `workbench ingest`, or try the bundled sample with `workbench demo`.",
            )

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
        self._must_exist()
        with connected(self.database, read_only=True, patience=READ_PATIENCE) as connection:
            yield connection

    def must_be_free(self, patience: float) -> None:
        """Raise StoreBusy, naming who has the database, if it cannot be opened within so many seconds."""
        with connected(self.database, read_only=True, patience=patience):
            pass

    @contextmanager
    def transaction(self, *, bulk: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold one transaction for the block: all that its thread writes within is kept, or none, and seen within.

        The database takes less memory in one that writes in `bulk`.
        """
        self._must_exist()
        with transaction(self.database, patience=WRITE_PATIENCE, bulk=bulk) as connection:
            yield connection

    @contextmanager
    def write(self, *changed: Table | Part) -> Iterator[duckdb.DuckDBPyConnection]:
        """Write within one transaction, that of the block around it if there is one; the revision moves by one.

        What was computed from the `changed` tables, or parts of them, is old then; from any, if none is named.
        """
        with self.transaction() as connection:
            yield connection
            note(connection, changed or TABLES)

    def revision(self) -> int:
        """Return how many transactions this workspace has seen."""
        return self.changes().last()

    def changes(self) -> Changes:
        """Return at which revision each table last changed: for caches.

        They are read anew only where the workspace's files have changed, and within a transaction.
        """
        self._must_exist()
        return self._read_changes() if in_transaction(self.database) else remembered(self.database, self._read_changes)

    def _read_changes(self) -> Changes:
        with self.read() as connection:
            return read_changes(connection)

    def snapshot(self, path: Path | str) -> Path:
        """Copy the database, consistent and while others use it, to a new file at `path`.

        Copying the live file with anything but DuckDB would drop its lock and lose others' writes.
        """
        target = Path(path).expanduser().resolve()
        if target.exists():
            raise Conflict(f"{target} exists already.", "Choose a name that is free; a snapshot overwrites nothing.")
        with files.aside(target) as draft, self.read() as connection:
            copying.copy_to(connection, draft)
        return target

    def rewrite(self) -> int:
        """Write the database's file anew, without the room that deleted rows have left, and return the bytes won.

        Others wait meanwhile, or go on reading the file as it was.
        """
        return copying.rewrite(self.database, patience=WRITE_PATIENCE)

    # -- adding -------------------------------------------------------------------------------

    def add_collection(
        self,
        queries: Sequence[Query] = (),
        passages: Sequence[Passage] = (),
        qrels: Sequence[Qrel] = (),
        *,
        split: str = "",
        replace: bool = False,
    ) -> Added:
        """Add a collection in one transaction; what is there already, word for word, is left alone.

        A known id with other content raises Conflict, unless `replace`, which writes the new content
        and forgets the utilities and failures that were about an old text; a query that gets another split takes its
        rankings along. Tags are no other content for a query that has none, here or there: they are added, or stay; no
        more is a missing split. Qrels may name queries and passages that are not there: these are known by id only
        then, until their text comes. `split` is that of new queries for which nothing else says it.
        """
        changed = collection.written(replace=replace, passages_alone=not queries and not qrels)
        with (
            self.write(*changed) as connection,
            runs_follow(connection) if replace else nullcontext(),
        ):
            return collection.add_collection(connection, (queries, passages, qrels), split, replace)

    def add_candidates(self, candidates: Iterable[Candidate]) -> int:
        """Add candidates; return how many (query, passage, source) were new."""
        with self.write("candidates") as connection:
            return _insert(connection, "candidates", candidates)

    def add_scored(self, scored: Iterable[Scored], unit: Unit = "unknown", *, replace: bool = False) -> None:
        """Add a teacher's finished batch, its utilities in `unit`; a pair that fails no longer loses its failure.

        A utility that is there already stays, unless it is to be replaced; of a pair's failures the last one does, with
        the first characters of the answer. Raises Conflict for a teacher whose utilities are in another unit.
        """
        batch = list(scored)
        with self.write(*utilities.written(batch)) as connection:
            utilities.add_scored(connection, batch, unit, replace)

    def add_units(self, units: Mapping[str, Unit], *, replace: bool = False) -> None:
        """Add the units of teachers by their names; an "unknown" one changes nothing, and gives way to another.

        Raises Conflict for a teacher whose utilities are in another unit, unless that is to be replaced.
        """
        with self.write("teachers") as connection:
            utilities.write_units(connection, units, replace=replace)

    def add_run(self, run: Run, hits: Iterable[Hit]) -> None:
        """Add a run with its hits, in place of an earlier run of that name."""
        with self.write("runs", Part("hits", run.run)) as connection:
            self._drop_run(connection, run.run)
            connection.execute(
                "insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?)", run._replace(created=_utc(run.created))
            )
            _insert(connection, "hits", hits)

    def add_hits(self, hits: Sequence[Hit]) -> None:
        """Add hits of queries that their runs, which are there, do not rank yet."""
        with self.write("hits") as connection:
            arrow.insert(connection, "hits", hits)

    def add_answers(self, answers: Sequence[Answer]) -> None:
        """Add a reader's answers, each in place of an earlier one from the same passages."""
        with self.write("answers") as connection:
            key = arrow.same("answers", "rows", ("reader", "query_id", "passages"))
            with arrow.registered(connection, arrow.table("answers", answers)):
                connection.execute(f"delete from answers using rows where {key}")
            arrow.insert(connection, "answers", answers)

    def add_read_run(self, read: ReadRun) -> None:
        """Keep that a reader reads a run's first passages, for how many queries."""
        with self.write("read_runs") as connection:
            connection.execute("insert or replace into read_runs values (?, ?, ?, ?)", read)

    def add_annotation(self, annotation: Annotation) -> None:
        """Append one annotation; earlier ones stay."""
        self.add_annotations([annotation])

    def add_annotations(
        self, annotations: Sequence[Annotation], idempotency_key: str = "", *, earlier: bool = False
    ) -> bool:
        """Append annotations in one transaction: all of them are kept, or none; return whether they were appended.

        They are not if an `idempotency_key` comes again: what was sent twice is kept once. They follow one another and
        all that are there, whatever the clock says; `earlier` ones precede these.
        """
        rows = [row._replace(created=_utc(row.created), tags=tuple(row.tags)) for row in annotations]
        with self.write(*ANNOTATIONS) as connection:
            statement = "insert into received values (?) on conflict do nothing"
            if idempotency_key and not arrow.changed(connection.execute(statement, [idempotency_key])):
                return False
            ((first, last),) = connection.execute("select min(sequence), max(sequence) from annotations").fetchall()
            first = (first or 0) - len(rows) if earlier else (last or 0) + 1
            arrow.insert(connection, "annotations", [(*row, number) for number, row in enumerate(rows, start=first)])
        return True

    @staticmethod
    def _drop_run(connection: duckdb.DuckDBPyConnection, run: str) -> None:
        connection.execute("delete from hits where run = ?", [run])
        connection.execute("delete from runs where run = ?", [run])


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows, which may be made meanwhile, into table `name`; return how many were new."""
    remaining, new = iter(rows), 0
    while block := list(islice(remaining, ROWS_AT_ONCE)):
        new += arrow.insert(connection, name, block)
    return new


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
