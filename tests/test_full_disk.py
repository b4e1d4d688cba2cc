"""A disk that is full, limited or read-only: every verb says so in a sentence, and leaves no half of anything."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import children, tiny
from tests.conftest import toy
from tests.shell import shell
from tests.workspaces import copy_of
from workbench import files, students
from workbench.errors import WriteFailed
from workbench.records import Passage
from workbench.store import Store, views
from workbench.students import Student

SIZE = 16 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 16 MB, where this is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def full(disk: Path) -> Store:
    """Return a workspace on a disk with 4 KB left."""
    store = copy_of(toy, disk / "ws")
    room = os.statvfs(disk)
    (disk / "fill").write_bytes(bytes(room.f_bavail * room.f_frsize - 4096))
    return store


def many() -> list[Passage]:
    return [Passage(f"n{number}", "", f"{number * 7919} {os.urandom(400).hex()}") for number in range(2000)]


def there(folder: Path) -> set[str]:
    """Return the files of a folder; DuckDB's log of what is committed may come and go."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    return {name for name in names if not name.endswith(".wal")}


def test_a_full_disk_is_named_and_nothing_is_lost(full: Store) -> None:
    before = there(full.path), views.counts(full)
    with pytest.raises(WriteFailed, match=r"workbench\.duckdb cannot be written: the disk is full") as refused:
        full.add_collection((), many())
    assert "Make room" in refused.value.hint
    assert (there(full.path), views.counts(full)) == before
    with pytest.raises(WriteFailed, match="the disk is full"):
        students.save(tiny.static(), Student("mine", full.students / "mine", "base"))
    with pytest.raises(WriteFailed, match=r"copy\.duckdb cannot be written: the disk is full"):
        full.snapshot(full.path / "copy.duckdb")
    with pytest.raises(WriteFailed, match=r"/x cannot be written: the disk is full"):
        files.write_bytes(full.path / "x", bytes(SIZE))
    assert there(full.path) - before[0] <= {"students"}
    (full.path.parent / "fill").unlink()
    assert full.add_collection((), many()).passages == 2000


@pytest.mark.parametrize(
    "arguments", [("evaluate", "bm25"), ("export", "qrels", "{0}/x.tsv"), ("snapshot", "{0}/x.duckdb")]
)
def test_the_shell_gives_the_reason_and_no_traceback(full: Store, arguments: tuple[str, ...]) -> None:
    (full.path / "more").write_bytes(bytes(os.statvfs(full.path).f_bavail * os.statvfs(full.path).f_frsize))
    printed = shell(*(argument.format(full.path) for argument in arguments), workspace=full.path)
    if arguments[0] != "evaluate" or printed.code:  # a small commit may still fit into the blocks of the log
        assert (printed.code, "the disk is full" in printed.err, "Traceback" in printed.err) == (1, True, False)


def test_a_read_only_workspace_is_read_and_says_why_it_is_not_written(disk: Path) -> None:
    store = copy_of(toy, disk / "ws")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert views.counts(store).passages == 4
    for arguments in (("train", "base", "--teacher", "qrels"), ("annotate", "q1", "ü", "useful"), ("evaluate", "bm25")):
        printed = shell(*arguments, workspace=store.path)
        assert (printed.code, "Traceback" in printed.err) == (1, False)
    assert "the file system is read-only" in printed.err
    with pytest.raises(WriteFailed, match="the file system is read-only"):
        students.save(tiny.static(), Student("mine", store.students / "mine", "base"))
    assert shell("doctor", workspace=store.path).code == 0


def test_a_limit_on_the_size_of_files_is_named(store: Store) -> None:
    before = views.counts(store)
    assert "ulimit -f" in children.call(_limited, store.path).checked()
    assert views.counts(store) == before


def _limited(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    with pytest.raises(WriteFailed) as refused:
        Store(path).add_collection((), many())
    print(refused.value)


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device", "/x/y"), RuntimeError("I/O error: No space left on device (os error 28)")],
)
def test_what_libraries_say_of_a_full_disk_is_one_error(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(WriteFailed, match="the disk is full"), files.aside(tmp_path / "y"):
        raise error
    assert list(tmp_path.iterdir()) == []
    assert files.write_failure(ValueError("No such thing"), tmp_path) is None
