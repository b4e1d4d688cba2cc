"""The store keeps what it was given, whatever the ids look like and whoever else is at it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import PASSAGES, QRELS, QUERIES, utility
from tests.profiles import examples
from workbench.errors import Conflict, NothingToDo, StoreBusy, StoreVersion, WorkbenchError
from workbench.records import STATUSES, Annotation, Failure, Passage, Qrel, Query
from workbench.store import ALL_BUT_ANNOTATIONS, Added, Store, views
from workbench.store import store as store_module
from workbench.store.database import connection, schema

PATIENCE = 500.0  # seconds: on a busy machine six that share a file wait long for their turn
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)


def test_a_workspace_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="no workspace"):
        Store(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


@examples(20)
@given(st.lists(texts, min_size=1, max_size=5, unique=True), texts, st.lists(texts, max_size=3))
def test_ids_and_texts_come_back_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], text: str, answers: list[str]
) -> None:
    store = Store(tmp_path_factory.mktemp("ws"), create=True)
    passages = [Passage(passage_id, "", text) for passage_id in ids]
    query = Query(ids[0], text, tuple(answers), "dev")
    store.add_collection([query], passages, [Qrel(ids[0], ids[-1], 3)])
    assert sorted(views.passages(store)) == sorted(passages)
    assert views.queries(store) == [query]
    assert views.qrels(store, "dev") == [Qrel(ids[0], ids[-1], 3)]


def test_the_same_rows_twice_change_nothing(store: Store) -> None:
    before = views.counts(store)
    added = store.add_collection(QUERIES, PASSAGES, QRELS)
    assert added == Added(unchanged=len(QUERIES) + len(PASSAGES) + len(QRELS))
    assert views.counts(store) == before


def test_other_content_under_a_known_id_is_refused_whole(store: Store) -> None:
    changed = Passage("p/1", "Oil", "Another text.")
    with pytest.raises(Conflict, match="p/1"):
        store.add_collection((), [Passage("new", "", "x"), changed])
    assert views.passages(store, ["new", "p/1"]) == [PASSAGES[0]]


def test_replacing_a_text_forgets_the_utilities_about_the_old_one(store: Store) -> None:
    store.add_collection((), [Passage("p/1", "Oil", "Another text.")], replace=True)
    assert "p/1" not in {row.passage_id for row in views.utilities(store, "toy")}
    assert len(views.utilities(store, "toy")) == 6
    assert ("q1", 1) in views.unscored(store, "toy", "test")


def test_a_failure_is_kept_apart_and_gives_way_to_a_utility(store: Store) -> None:
    store.add_scored([Failure("007", "ü", "toy", "no answer")])
    assert views.failures(store, "toy") == [Failure("007", "ü", "toy", "no answer")]
    assert ("007", 3) in views.unscored(store, "toy")
    store.add_scored([utility("007", "ü", 1.0)])
    assert views.failures(store, "toy") == []


def test_a_failure_has_a_status_and_an_answer_and_a_later_one_takes_its_place(store: Store) -> None:
    store.add_scored([Failure("007", "ü", "toy", "no grade", "unreadable", "é" * 3_000)])
    assert views.failures(store, "toy") == [Failure("007", "ü", "toy", "no grade", "unreadable", "é" * 2_000)]
    store.add_scored(
        [Failure("007", "ü", "toy", "timed out"), Failure("007", "03", "toy", "declined", "refused", "No.")]
    )
    assert views.failures(store, "toy") == [
        Failure("007", "03", "toy", "declined", "refused", "No."),
        Failure("007", "ü", "toy", "timed out"),
    ]
    assert views.pair_counts(store, "toy", "train") == (0, 1, 1, 0)
    missing = {name: views.unscored(store, "toy", "train", retry=[name]) for name in STATUSES}
    assert missing == {"failed": [("007", 3)], "refused": [("007", 3)], "unreadable": [("007", 2)]}
    (group,) = views.groups(store, "toy", ["007"], retry=["failed", "refused"])
    assert len(group.passages) == 4


def test_every_write_moves_the_revision_and_a_failed_one_leaves_no_trace(store: Store) -> None:
    before = store.revision()
    with pytest.raises(ZeroDivisionError), store.write() as open_store:
        open_store.execute("delete from passages")
        raise ZeroDivisionError
    assert store.revision() == before
    assert len(views.passages(store)) == len(PASSAGES)
    store.add_scored([utility("007", "ü", 1.0)])
    assert store.revision() == before + 1


def test_a_snapshot_holds_everything_and_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    kept = store.snapshot(tmp_path / "it's kept" / "workbench.duckdb")
    assert views.counts(Store(kept.parent)) == views.counts(store)
    with pytest.raises(Conflict, match="exists already"):
        store.snapshot(kept)


def test_files_are_written_for_older_duckdb_too(store: Store) -> None:
    with store.read() as open_store:
        tags = open_store.execute(
            "select tags from duckdb_databases() where database_name = current_database()"
        ).fetchone()
    assert tags is not None
    assert "v1.4" in tags[0]["storage_version"]


def test_a_newer_schema_is_refused_with_a_way_out(store: Store) -> None:
    with store.write() as open_store:
        open_store.execute("update meta set value = 999 where key = 'schema'")
    with pytest.raises(StoreVersion, match="999"):
        Store(store.path)


def test_an_older_workspace_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Store(tmp_path / "old", create=True)
    old.add_collection(QUERIES)
    before = len(schema.MIGRATIONS)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "create table later (x integer)"))
    with Store(old.path).read() as open_store:
        assert schema.version(open_store) == before + 1
        assert open_store.execute("select count(*) from later").fetchone() == (0,)
    assert len(views.queries(old)) == len(QUERIES)


@contextmanager
def of_schema(number: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a new workspace in a folder as the version with this number of schema made it."""
    with monkeypatch.context() as former:
        former.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:number])
        with Store(folder, create=True).transaction() as open_store:
            yield open_store


def test_a_workspace_of_the_second_schema_gets_tags_from_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with of_schema(2, tmp_path, monkeypatch) as open_store:
        open_store.execute("insert into queries values ('q1', 'Who?', ['me'], 'test'), ('q2', 'What?', [], 'test')")
    new = Store(tmp_path)
    assert [query.tags for query in views.queries(new)] == [(), ()]
    new.add_scored([utility("q1", "p", 1.0)])
    tagged = [Query("q1", "Who?", ("me",), "test", ("people", "a|b")), Query("q2", "What?", (), "test")]
    assert new.add_collection(tagged) == Added(unchanged=1, tagged=1)
    assert new.add_collection(tagged) == Added(unchanged=2)
    assert views.queries(new) == tagged
    assert len(views.utilities(new, "toy")) == 1


def test_teachers_of_the_third_schema_get_the_unit_that_their_names_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = {
        "lexical:jm0.5:mean:0af88a": "nats per token",
        "likelihood:SmolLM2-135M-abcdef:answer-1:sum:float32": "nats",
        "likelihood:model:template:mean:bfloat16": "nats per token",
        "imported:likelihood:mean:": "unknown",
        "toy": "unknown",
    }
    with of_schema(3, tmp_path, monkeypatch) as open_store:
        for teacher in units:
            open_store.execute("insert into utilities values ('q', 'p', ?, 1.5, [], 0)", [teacher])
        open_store.execute("insert into failures values ('q', 'p', 'lexical:jm0.5:sum:0af88a', 'no answer')")
    new = Store(tmp_path)
    assert {counted.teacher: counted.unit for counted in views.teachers(new)} == {
        **units,
        "lexical:jm0.5:sum:0af88a": "nats",
    }
    assert views.teacher_unit(new, "lexical:jm0.5:sum:0af88a") == "nats"
    assert [row.value for row in views.utilities(new, "toy")] == [1.5]
    (failure,) = views.failures(new, "lexical:jm0.5:sum:0af88a")
    assert (failure.reason, failure.status, failure.answer) == ("no answer", "failed", "")


def test_a_teacher_has_one_unit_which_can_be_named_later(store: Store) -> None:
    assert views.teacher_unit(store, "toy") == "nats per token"
    with pytest.raises(Conflict, match="'toy' are in the unit 'nats per token', these are in 'grade'"):
        store.add_scored([utility("007", "ü", 1.0)], "grade")
    assert ("007", 4) in views.unscored(store, "toy")
    store.add_scored([utility("007", "ü", 1.0)])
    assert views.teacher_unit(store, "toy") == "nats per token"
    store.add_scored([utility("007", "ü", 1.0, "other")])
    assert views.teacher_unit(store, "other") == "unknown"
    store.add_units({"other": "logit", "silent": "probability"})
    assert [views.teacher_unit(store, name) for name in ("other", "silent", "nobody")] == [
        "logit",
        "probability",
        "unknown",
    ]
    with pytest.raises(Conflict, match="logit"):
        store.add_units({"new": "grade", "other": "probability"})
    assert views.teacher_unit(store, "new") == "unknown"
    store.add_units({"other": "probability"}, replace=True)
    assert [counted.unit for counted in views.teachers(store)] == ["probability", "nats per token"]


def test_a_file_without_tags_takes_none_away_and_another_tag_is_another_content(store: Store) -> None:
    query = Query("q9", "Who?", (), "train", ("people",))
    store.add_collection([query])
    assert store.add_collection([query._replace(tags=())]).unchanged == 1
    assert views.query(store, "q9") == query
    with pytest.raises(Conflict, match="q9"):
        store.add_collection([query._replace(tags=("places",))])
    assert store.add_collection([query._replace(tags=("places",))], replace=True).replaced == 1
    assert views.query(store, "q9").tags == ("places",)
    store.add_collection([Query("q8", "Where?", (), "test", ("places", "<b>"))], qrels=[Qrel("q8", "03", 1)])
    assert views.tags(store) == [("places", 2, 1, 0), ("<b>", 1, 1, 0)]
    assert views.tags(store, "train") == [("places", 1, 0, 0)]


def test_annotations_of_the_first_schema_are_kept_with_neither_grade_nor_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with of_schema(1, tmp_path, monkeypatch) as open_store:
        open_store.execute(
            "insert into annotations values ('q', 'p', 'ada', 'useful', 'why', 'got worse', '2026-01-01')"
        )
    new = Store(tmp_path)
    (annotation,) = views.verdicts(new)
    assert annotation == Annotation("q", "p", "ada", "useful", "why", "got worse", datetime(2026, 1, 1, tzinfo=UTC))
    assert (annotation.grade, annotation.tags, annotation.flagged) == (None, (), False)
    new.add_annotation(annotation._replace(grade=3, tags=("a", "b"), flagged=True))
    assert [(row.grade, row.tags, row.flagged) for row in views.verdicts(new)] == [
        (None, (), False),
        (3, ("a", "b"), True),
    ]


def test_annotating_moves_the_revision_but_not_that_of_what_is_annotated(store: Store) -> None:
    before, facts = store.revision(), store.changes().last(ALL_BUT_ANNOTATIONS)
    said = Annotation("q1", "p/1", "ada", "useful", "", "", datetime.now(UTC))
    store.add_annotations([said, said._replace(annotator="bob")])
    assert (store.revision(), store.changes().last(ALL_BUT_ANNOTATIONS)) == (before + 1, facts)
    store.add_scored([utility("007", "ü", 1.0)])
    assert (store.revision(), store.changes().last(ALL_BUT_ANNOTATIONS)) == (before + 2, before + 2)


def test_a_file_held_by_another_process_is_waited_for_then_named(store: Store) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import duckdb, sys; c = duckdb.connect({str(store.database)!r}); print(1, flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with (
            pytest.raises(StoreBusy, match=f"process {holder.pid}"),
            connection.connected(store.database, read_only=True, patience=0.2),
        ):
            pass
    finally:
        holder.communicate()
    assert views.counts(store).queries == len(QUERIES)


def test_a_file_is_held_for_the_block_alone_and_as_often_as_its_thread_asks(store: Store) -> None:
    code = f"import duckdb; duckdb.connect({str(store.database)!r}).execute('delete from candidates')"
    with store.write() as outer, store.read() as inner:
        assert outer.execute("from queries").fetchall() == inner.execute("from queries").fetchall() != []
        refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "Could not set lock" in refused.stderr
    subprocess.run([sys.executable, "-c", code], check=True)
    assert views.counts(store).candidates == 0


@pytest.mark.process
def test_many_threads_and_processes_lose_no_row(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("READ_PATIENCE", "WRITE_PATIENCE"):
        monkeypatch.setattr(store_module, name, PATIENCE)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_ten, args=(str(empty.path), f"process {n}")) for n in range(2)]
    threads = [threading.Thread(target=_add_ten, args=(str(empty.path), f"thread {n}")) for n in range(3)]
    for worker in (*processes, *threads):
        worker.start()
    while any(worker.is_alive() for worker in processes):
        views.counts(empty)
    for worker in (*processes, *threads):
        worker.join()
    assert views.counts(empty).passages == 50


def _add_ten(path: str, name: str) -> None:
    store_module.READ_PATIENCE = store_module.WRITE_PATIENCE = PATIENCE  # a new process has its own
    store = Store(path)
    for number in range(10):
        store.add_collection((), [Passage(f"{name} {number}", "", "x")])


def test_a_writer_killed_with_its_work_in_the_log_loses_nothing_committed(store: Store) -> None:
    code = f"""
import os, signal
from workbench.store.database.connection import connected
from pathlib import Path
with connected(Path({str(store.database)!r}), read_only=False, patience=5) as c:
    c.execute("insert into passages values ('committed', '', 'x')")
    c.execute("begin")
    c.execute("insert into passages values ('not committed', '', 'x')")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    died = subprocess.run([sys.executable, "-c", code], check=False)
    assert died.returncode == -signal.SIGKILL
    ids = {passage.passage_id for passage in views.passages(store)}
    assert "committed" in ids
    assert "not committed" not in ids


@pytest.mark.parametrize("content", [b"", b"hello\n", b"SQLite format 3\0" + bytes(4096), os.urandom(8192)])
def test_a_database_that_is_none_is_told_plainly(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "workbench.duckdb").write_bytes(content)
    with pytest.raises(WorkbenchError, match="damaged, or not a database of the workbench") as refused:
        Store(tmp_path)
    assert "workbench snapshot" in refused.value.hint
    assert (tmp_path / "workbench.duckdb").read_bytes() == content


@pytest.mark.parametrize("share", [0.001, 0.02, 0.2, 0.5])
def test_a_database_that_is_cut_off_is_told_plainly(store: Store, tmp_path: Path, share: float) -> None:
    whole = store.snapshot(tmp_path / "whole.duckdb").read_bytes()
    folder = tmp_path / "cut"
    folder.mkdir()
    (folder / "workbench.duckdb").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(WorkbenchError, match="damaged, or not a database of the workbench"):
        views.counts(Store(folder))


def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "workbench.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table theirs (a integer)")
    before = file.read_bytes()
    with pytest.raises(StoreVersion, match="tables of another program, such as 'theirs'"):
        Store(tmp_path)
    assert file.read_bytes() == before


def test_duckdb_is_the_tested_line() -> None:
    assert duckdb.__version__.split(".")[0] in ("1", "2")


def test_no_bar_is_drawn_into_the_output_of_a_command(store: Store) -> None:
    for hold in (store.read, store.write):
        with hold() as connection:
            assert connection.execute("select current_setting('enable_progress_bar')").fetchone() == (False,)


def test_after_a_fatal_error_of_duckdb_the_next_call_works(store: Store) -> None:
    before = connection._instance(os.getpid())
    with pytest.raises(duckdb.FatalException, match="disk is full"), store.read():
        raise duckdb.FatalException("the disk is full")
    assert connection._instance(os.getpid()) is not before
    assert views.counts(store).passages == 4


def test_an_interrupt_of_a_query_is_an_interrupt(store: Store) -> None:
    for made_of_it in (RuntimeError("Query interrupted"), duckdb.InterruptException("INTERRUPT Error: Interrupted!")):
        with pytest.raises(KeyboardInterrupt), store.read():
            raise made_of_it
    with pytest.raises(RuntimeError, match="another"), store.read():
        raise RuntimeError("another")
    assert views.counts(store).passages == 4
