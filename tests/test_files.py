"""Files are written whole or not at all, whatever happens meanwhile, and whoever else writes."""

import os
from pathlib import Path
from threading import Thread

import pytest

from workbench import files
from workbench.errors import WriteFailed


class PowerFailure(BaseException):
    """Stands for whatever ends a writer in the middle."""


def content(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def fail(*_):
    raise PowerFailure


@pytest.fixture
def former(tmp_path):
    """A folder with a file and a folder that are to be replaced."""
    (tmp_path / "file.txt").write_text("former")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "part").write_text("former")
    return tmp_path


def test_text_bytes_and_streams_are_written_with_their_parents(tmp_path):
    files.write_text(tmp_path / "a" / "text", "é\n\r\n")
    files.write_bytes(tmp_path / "a" / "bytes", b"\xff")
    with files.stream(tmp_path / "a" / "b" / "stream") as file:
        file.write(b"1")
        file.write(b"2")
        assert not (tmp_path / "a" / "b" / "stream").exists()
    assert (tmp_path / "a" / "text").read_bytes() == "é\n\r\n".encode()
    assert (tmp_path / "a" / "bytes").read_bytes() == b"\xff"
    assert (tmp_path / "a" / "b" / "stream").read_bytes() == b"12"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "bytes", "stream", "text"]


def test_a_file_has_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    (tmp_path / "usual folder").mkdir()
    files.write_text(tmp_path / "written", "")
    with files.folder(tmp_path / "written folder"):
        pass
    assert (tmp_path / "written").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert (tmp_path / "written folder").stat().st_mode == (tmp_path / "usual folder").stat().st_mode


def test_a_failure_in_the_block_leaves_what_was_there(former):
    before = content(former)
    with pytest.raises(PowerFailure), files.stream(former / "file.txt") as file:
        file.write(b"half of")
        raise PowerFailure
    with pytest.raises(PowerFailure), files.folder(former / "folder", replace=True) as draft:
        (draft / "part").write_text("half of")
        raise PowerFailure
    with pytest.raises(PowerFailure), files.folder(former / "new") as draft:
        raise PowerFailure
    assert content(former) == before
    assert sorted(path.name for path in former.iterdir()) == ["file.txt", "folder"]


@pytest.mark.parametrize(("place", "call"), [(os, "fsync"), (Path, "replace"), (Path, "rename")])
def test_a_failure_at_any_moment_leaves_the_old_or_the_new_and_nothing_beside(former, monkeypatch, place, call):
    real, new, failures = getattr(place, call), {"file.txt": "new", "folder/part": "new"}, 0
    while content(former) != new:
        calls = iter([real] * failures + [fail])
        monkeypatch.setattr(place, call, lambda *given, calls=calls: next(calls, real)(*given))
        try:
            files.write_text(former / "file.txt", "new")
            with files.folder(former / "folder", replace=True) as draft:
                (draft / "part").write_text("new")
        except PowerFailure:
            failures += 1
        monkeypatch.undo()
        now = content(former)
        assert sorted(now) == sorted(new)
        assert set(now.values()) <= {"former", "new"}
    assert failures >= {"fsync": 4, "replace": 1, "rename": 2}[call]


def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    order, fsync, replace = [], os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (order.append(os.fstat(file).st_ino), fsync(file)))
    monkeypatch.setattr(Path, "replace", lambda path, target: (order.append("rename"), replace(path, target)))
    with files.folder(tmp_path / "folder") as draft:
        (draft / "part").write_text("new")
    made = [path.stat().st_ino for path in (tmp_path / "folder" / "part", tmp_path / "folder", tmp_path)]
    assert order == [*made[:2], "rename", made[2]]


def test_a_folder_that_cannot_be_renamed_leaves_the_former(former, monkeypatch):
    real = Path.rename

    def rename(path, target):
        if path.name == "folder" and Path(target).parent == former:
            raise OSError(28, "no space left")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(WriteFailed, match="the disk is full"), files.folder(former / "folder", replace=True) as draft:
        (draft / "part").write_text("new")
    assert content(former / "folder") == {"part": "former"}
    assert sorted(path.name for path in former.iterdir()) == ["file.txt", "folder"]


def test_a_folder_is_replaced_only_when_asked(former):
    with pytest.raises(OSError, match="not empty"), files.folder(former / "folder") as draft:
        (draft / "part").write_text("new")
    assert content(former / "folder") == {"part": "former"}
    with files.folder(former / "folder", replace=True) as draft:
        (draft / "other").write_text("new")
    assert content(former / "folder") == {"other": "new"}


def test_writers_at_the_same_time_leave_one_of_their_contents_whole(tmp_path):
    texts = [str(digit) * 100_000 for digit in range(8)]
    seen, done = set(), []

    def write(text):
        for _ in range(10):
            files.write_text(tmp_path / "file", text)
        done.append(text)

    files.write_text(tmp_path / "file", texts[0])
    threads = [Thread(target=write, args=[text]) for text in texts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.add((tmp_path / "file").read_text())
    assert sorted(done) == texts
    assert seen | {(tmp_path / "file").read_text()} <= set(texts)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
