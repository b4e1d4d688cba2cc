"""What a backup holds comes back row by row; a damaged one is refused; a killed one leaves nothing half-made."""

from __future__ import annotations

import json
import os
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import children, tiny
from tests.shell import shell, worked
from workbench import students
from workbench.errors import BadInput, BadSetting, Conflict, StoreVersion
from workbench.records import Progress
from workbench.retrieval.encoder import Encoder
from workbench.steps.annotate.annotate import annotate
from workbench.steps.annotate.guidelines import guidelines, write_guidelines
from workbench.steps.ship import backup_files
from workbench.steps.ship.backup import backup
from workbench.steps.ship.restore import restore
from workbench.store import Store
from workbench.students import Student
from workbench.upkeep.diagnosis import doctor

NAMES = ("copy", "copy.tar")


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.read() as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database() order by 1"
        ).fetchall()
        return {name: connection.execute(f"select * from {name} order by all").fetchall() for (name,) in tables}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ids(name: str) -> str:
    return name.rpartition(".")[2]


@pytest.fixture
def filled(store: Store) -> Store:
    """Return a workspace with a student, vectors, an annotation, guidelines, and what no backup takes."""
    student = students.save(tiny.static(), Student("mine ü", store.students / "mine ü", "base"))
    Encoder(student, store.vectors).passages(["oil", "sea"])
    annotate(store, "q1", "ü", "useful", "ada", grade=2, idempotency_key="once")
    write_guidelines(store, "Ours.")
    for left_out in (store.students / ".training-x" / "a", store.uploads / "x" / "a.csv", store.jobs / "j" / "log.txt"):
        left_out.parent.mkdir(parents=True)
        left_out.write_text("x")
    return store


@pytest.mark.parametrize("name", NAMES, ids=ids)
def test_what_comes_back_is_equal_row_by_row_and_file_by_file(filled: Store, tmp_path: Path, name: str) -> None:
    written = backup(filled, tmp_path / name)
    restored = restore(tmp_path / name, tmp_path / "new")
    again = Store(restored.path)
    assert rows(again) == rows(filled)
    for folder in ("students/mine ü", "vectors"):
        assert contents(again.path / folder) == contents(filled.path / folder)
    assert guidelines(again) == guidelines(filled) == "Ours.\n"
    assert {path.name for path in again.path.iterdir()} == {"workbench.duckdb", "students", "vectors", "guidelines.md"}
    assert not (again.students / ".training-x").exists()
    assert doctor(again).is_whole
    assert (restored.files, restored.size, restored.rows) == (written.files, written.size, written.rows)
    assert f"{written.files} files" in written.in_words


@pytest.mark.parametrize("name", NAMES, ids=ids)
def test_vectors_can_be_left_out_but_not_whose_they_are(filled: Store, tmp_path: Path, name: str) -> None:
    (filled.vectors / "0123.index").write_text("0123456789abcdef")
    written = backup(filled, tmp_path / name, vectors=False)
    assert "without vectors" in written.in_words
    restored = restore(tmp_path / name, tmp_path / "new")
    assert "encoded again" in restored.in_words
    assert {path.name for path in Store(restored.path).vectors.rglob("*") if path.is_file()} == {"0123.index"}


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def _in_tar(path: Path, name: str) -> int:
    with tarfile.open(path) as tar:
        return tar.getmember(name).offset_data


DAMAGED = "students/mine ü/model.safetensors"


def test_a_changed_or_missing_file_is_named_and_nothing_written(filled: Store, tmp_path: Path) -> None:
    backup(filled, tmp_path / "copy")
    _flip(tmp_path / "copy" / DAMAGED, 100)
    (tmp_path / "copy" / "guidelines.md").unlink()
    with pytest.raises(BadInput, match=r"copy: Damaged or missing: guidelines\.md, students/mine ü/model\.safetensors"):
        restore(tmp_path / "copy", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a workspace", "copy"]


def test_a_changed_byte_of_a_tar_file_is_named(filled: Store, tmp_path: Path) -> None:
    file = tmp_path / "copy.tar"
    backup(filled, file)
    _flip(file, _in_tar(file, DAMAGED) + 100)
    with pytest.raises(BadInput, match=r"copy\.tar: Damaged or missing: students/mine ü/model\.safetensors"):
        restore(file, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_a_tar_file_that_is_cut_off_is_refused(filled: Store, tmp_path: Path, share: float) -> None:
    file = tmp_path / "copy.tar"
    backup(filled, file)
    os.truncate(file, int(file.stat().st_size * share))
    with pytest.raises(BadInput, match=r"copy\.tar: It (is no whole tar file|has no whole manifest)"):
        restore(file, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values["rows"].update(queries=7), "its checksum is another"),
        (lambda values: values.pop("files"), "its checksum is another"),
        (lambda values: values.update(format=99), "newer workbench"),
    ],
)
def test_a_manifest_that_was_changed_is_refused(
    filled: Store, tmp_path: Path, change: Callable[[Any], object], message: str
) -> None:
    backup(filled, tmp_path / "copy")
    file = tmp_path / "copy" / "manifest.json"
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))
    with pytest.raises((BadInput, StoreVersion), match=message):
        restore(tmp_path / "copy", tmp_path / "new")


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", "a\\..\\b", "C:/x"])
def test_a_manifest_names_no_place_outside(filled: Store, tmp_path: Path, name: str) -> None:
    backup(filled, tmp_path / "copy")
    with backup_files.opened(tmp_path / "copy") as open_file:
        manifest = backup_files.read_manifest(open_file, tmp_path)
    files = {**manifest.files, name: backup_files.SavedFile(0, "")}
    forged = backup_files.Manifest(manifest.workbench, manifest.schema, manifest.created, True, manifest.rows, files)
    (tmp_path / "copy" / "manifest.json").write_text(forged.to_json())
    with pytest.raises(BadInput, match="no path within a workspace"):
        restore(tmp_path / "copy", tmp_path / "new")


def test_nothing_is_written_over(filled: Store, tmp_path: Path) -> None:
    backup(filled, tmp_path / "copy")
    before = contents(filled.path)
    with pytest.raises(Conflict, match="a backup overwrites nothing"):
        backup(filled, tmp_path / "copy")
    with pytest.raises(Conflict, match="never written over"):
        restore(tmp_path / "copy", filled.path)
    with pytest.raises(BadSetting, match="within the workspace"):
        backup(filled, filled.exports / "copy")
    with pytest.raises(BadInput, match="no backup"):
        restore(filled.path, tmp_path / "new")
    with pytest.raises(BadInput, match="no such file"):
        restore(tmp_path / "nowhere", tmp_path / "new")
    assert contents(filled.path) == before
    (tmp_path / "empty").mkdir()
    assert restore(tmp_path / "copy", tmp_path / "empty").path == tmp_path / "empty"


@pytest.mark.parametrize("name", NAMES, ids=ids)
def test_a_backup_is_of_one_moment_while_another_process_writes(filled: Store, tmp_path: Path, name: str) -> None:
    writer = children.call(_annotate_until_killed, filled.path)
    try:
        while len(rows(filled)["annotations"]) < 3:
            assert writer.poll() is None, writer.stderr
        backup(filled, tmp_path / name)
    finally:
        writer.kill()
    copied = rows(Store(restore(tmp_path / name, tmp_path / "new").path))
    numbers = sorted(int(row[4]) for row in copied["annotations"] if row[4].isdecimal())
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 2


def _annotate_until_killed(path: Path) -> None:
    for number in range(1_000_000):
        annotate(Store(path), "q1", "p/1", "useful", "bob", note=str(number))


@pytest.mark.parametrize("name", NAMES, ids=ids)
@pytest.mark.parametrize("step", [0, 2])
def test_a_killed_backup_or_restore_leaves_nothing_half_made(
    filled: Store, tmp_path: Path, name: str, step: int
) -> None:
    before = rows(filled)
    killed = children.call(_backup_and_die, filled.path, tmp_path / name, step)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / name).exists()
    backup(filled, tmp_path / name)
    killed = children.call(_restore_and_die, tmp_path / name, tmp_path / "new", step)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "new").exists()
    assert rows(Store(restore(tmp_path / name, tmp_path / "new").path)) == before == rows(filled)


def _die_at(step: int) -> Callable[[Progress], None]:
    def listen(at: Progress) -> None:
        if at.done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return listen


def _backup_and_die(workspace: Path, target: Path, step: int) -> None:
    backup(Store(workspace), target, listen=_die_at(step))


def _restore_and_die(source: Path, workspace: Path, step: int) -> None:
    restore(source, workspace, listen=_die_at(step))


def test_the_commands(filled: Store, tmp_path: Path) -> None:
    assert "Backup in" in worked("backup", tmp_path / "copy.tar", "--no-vectors", workspace=filled.path).out
    assert worked("restore", tmp_path / "copy.tar", "--json", workspace=tmp_path / "new").json["rows"]["queries"] == 4
    refused = shell("restore", tmp_path / "copy.tar", workspace=tmp_path / "new")
    assert (refused.code, "exists already" in refused.err) == (1, True)
