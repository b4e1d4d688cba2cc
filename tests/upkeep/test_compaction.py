"""Compact removes what nobody needs, wins the bytes that it names, and loses no row."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import children, tiny
from tests.shell import worked
from tests.steps.ship.test_backup import rows
from workbench import students
from workbench.errors import WriteFailed
from workbench.records import Passage
from workbench.retrieval.encoder import Encoder
from workbench.steps.annotate.annotate import annotate
from workbench.store import Store, views
from workbench.store.database import copying
from workbench.students import Student
from workbench.upkeep import compaction
from workbench.upkeep.compaction import Compaction, compact

HOURS = 7_200


def many(start: int = 0, count: int = 4_000) -> list[Passage]:
    return [Passage(f"n{n}", "", f"{n} {n * 7919} the text of a passage " * 20) for n in range(start, start + count)]


def with_gaps(store: Store) -> Store:
    """Leave gaps in a database: many passages that were there and are not."""
    store.add_collection((), many())
    with store.write() as connection:
        connection.execute("delete from passages where passage_id like 'n%'")
    return store


def aged(path: Path) -> Path:
    """Make a file, or a folder and all within, as old as two hours."""
    for one in (*path.rglob("*"), path) if path.is_dir() else (path,):
        os.utime(one, (time.time() - HOURS,) * 2)
    return path


def sizes(compaction: Compaction) -> dict[str, int]:
    return {removal.what: removal.size for removal in compaction.removals if removal.size}


def schema(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        return connection.execute(
            "select sql from duckdb_tables() where database_name = current_database() order by 1"
        ).fetchall()


def test_the_database_is_smaller_and_every_row_and_key_is_there(store: Store) -> None:
    with_gaps(store)
    before, tables, size = rows(store), schema(store), store.database.stat().st_size
    result = compact(store)
    assert size - store.database.stat().st_size == sizes(result)["gaps in the database"] > 1_000_000
    assert f"{result.size:,} bytes" in result.in_words
    assert rows(store) == before
    assert schema(store) == tables
    assert store.add_collection((), many(count=2)).passages == 2
    assert store.add_collection((), many(count=2)).passages == 0, "keys still say what is there"
    assert not list(store.path.glob(".aside-*"))


def test_what_nobody_needs_goes_and_what_may_be_needed_stays(store: Store) -> None:
    mine = students.save(tiny.static(), Student("mine", store.students / "mine", "base"))
    other = students.save(tiny.static(seed=1), Student("other", store.path / "elsewhere", "base"))
    for student in (mine, other):
        Encoder(student, store.vectors).passages(["oil"])
    (orphaned,) = store.vectors.glob(f"{Encoder(other, store.vectors).fingerprint}-*")
    (own,) = store.vectors.glob(f"{Encoder(mine, store.vectors).fingerprint}-*")
    (keyless := own / "sha256-x.npy").write_bytes(bytes(100))
    names = ("kept/cases-1.parquet", "kept/passages-00.arrow", "uploads/a/x.csv", "spill-4194305/x",
             "exports/.aside-x/y", "kept/index-bm25-00/x", "jobs/j/log.txt",
             f"kept/index-bm25-{views.collection_fingerprint(store)}/x")  # fmt: skip
    for name in names:
        (store.path / name).parent.mkdir(parents=True, exist_ok=True)
        (store.path / name).write_bytes(bytes(50))
    assert sizes(compact(store, dry_run=True)) == {}, "what is new may be at work"
    for name in ("vectors", "kept", "uploads", "spill-4194305", "exports", "jobs"):
        aged(store.path / name)
    expected = {"orphaned vectors", "vectors without keys", "kept answers", "uploads", "spilled data", "drafts",
                "kept indexes of former passages"}  # fmt: skip
    dry = compact(store, dry_run=True)
    assert sizes(dry).keys() == expected
    assert "would lose" in dry.in_words
    assert all((store.path / name).exists() for name in names)
    assert orphaned.exists()
    done = compact(store)
    assert {what: size for what, size in sizes(done).items() if what in expected} == sizes(dry)
    assert not [path for path in (orphaned, keyless, *(store.path / name for name in names[:6])) if path.exists()]
    assert all((store.path / name).exists() for name in names[6:])
    assert Encoder(mine, store.vectors).passages(["oil"]).shape == (1, 8)


def test_an_upload_that_a_running_job_reads_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (store.uploads / name).mkdir(parents=True)
        (store.uploads / name / "x.csv").write_text("x")
    aged(store.uploads)

    class Ingest:
        state = "running"
        arguments = ("ingest", "table", str(store.uploads / "a" / "x.csv"))

    monkeypatch.setattr(compaction.jobs, "jobs", lambda _: [Ingest()])
    compact(store)
    assert [path.name for path in store.uploads.iterdir()] == ["a"]


def test_writers_of_other_processes_wait_and_lose_nothing(store: Store) -> None:
    with_gaps(store)
    writers = [children.call(_annotate, store.path, name, 15) for name in ("ada", "bob")]
    while not any(writer.poll() is not None for writer in writers):
        compact(store)
    for writer in writers:
        writer.checked()
    notes = sorted((row[2], int(row[4])) for row in rows(store)["annotations"])
    assert notes == [(name, number) for name in ("ada", "bob") for number in range(15)]


def _annotate(path: Path, annotator: str, count: int) -> None:
    for number in range(count):
        annotate(Store(path), "q1", "p/1", "useful", annotator, note=str(number))


@contextmanager
def running(ended: threading.Event, *targets: Callable[[], None]) -> Iterator[None]:
    """Run threads beside the block, and end them whatever comes of it."""
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_threads_read_on_while_it_is_written(store: Store) -> None:
    with_gaps(store)
    counts: list[int] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            counts.append(views.counts(store).passages)

    with running(ended, *[read] * 3):
        compact(store)
        assert set(counts) == {4}
        store.add_collection((), many(count=1))
        assert views.counts(store).passages == 5


def test_threads_that_write_wait_and_lose_nothing(store: Store) -> None:
    with_gaps(store)
    added: list[int] = []
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            store.add_collection((), many(len(added), 1))
            added.append(len(added))

    with running(ended, write):
        for _ in range(3):
            compact(store)
    assert views.counts(store).passages == 4 + len(added)


def test_killed_before_the_new_file_stands_nothing_has_changed(store: Store) -> None:
    with_gaps(store)
    before, size = rows(store), store.database.stat().st_size
    assert children.call(_compact_and_die, store.path).wait() == -signal.SIGKILL
    assert store.database.stat().st_size == size
    assert rows(store) == before
    aged(next(store.path.glob(".aside-*")))
    assert sizes(compact(store))["drafts"] > 0


def _compact_and_die(path: Path) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    copying.shutil.copymode = die  # after the copy, before the rename
    compact(Store(path))


def test_a_copy_that_lacks_rows_is_not_taken(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before, counts = rows(store), iter(({"queries": 4}, {"queries": 3}))
    monkeypatch.setattr(copying, "_rows", lambda *_: next(counts))
    with pytest.raises(WriteFailed, match="cannot be written"):
        compact(store)
    assert rows(store) == before


def test_the_command(store: Store) -> None:
    assert "would lose" in worked("compact", "--dry-run", workspace=store.path).out
    printed = worked("compact", "--json", workspace=store.path)
    assert printed.json["removals"][-1]["what"] == "gaps in the database"
