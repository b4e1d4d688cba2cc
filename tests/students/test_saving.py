"""A student's folder is complete or not there, and takes no other's place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import tiny
from workbench import students
from workbench.errors import Conflict
from workbench.students import Student


def test_a_failed_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.static()
    monkeypatch.setattr(model, "save_pretrained", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        students.save(model, Student("mine", tmp_path / "mine"))
    assert list(tmp_path.iterdir()) == []


def test_takes_a_place_only_if_asked_to(tmp_path: Path) -> None:
    students.save(tiny.static(), Student("mine", tmp_path / "mine"))
    with pytest.raises(Conflict, match="already"):
        students.save(tiny.static(1), Student("mine", tmp_path / "mine"))
    log = tmp_path / "history.jsonl"
    log.write_text("{}")
    new = students.save(tiny.static(1), Student("mine", tmp_path / "mine"), keep=[log], overwrite=True)
    assert (students.load(new).encode(["oil"]) == tiny.static(1).encode(["oil"])).all()
    assert (new.path / "history.jsonl").read_text() == "{}"
    with pytest.raises(Conflict, match="'mine'"):
        students.save(tiny.static(), Student("Mine!", tmp_path / "mine"), overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.jsonl", "mine"]


@pytest.mark.parametrize(("name", "words"), [("mine", "already"), ("Mine!", "'Mine!'")])
def test_another_process_may_be_faster(name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faster = students.save(tiny.static(1), Student(name, tmp_path / "faster"))
    model = tiny.static()
    write = model.save_pretrained

    def write_too_late(folder: str, **settings: bool) -> None:
        write(folder, **settings)
        shutil.copytree(faster.path, tmp_path / "mine")

    monkeypatch.setattr(model, "save_pretrained", write_too_late)
    with pytest.raises(Conflict, match=words):
        students.save(model, Student("mine", tmp_path / "mine"), overwrite=name != "mine")
    assert students.read(tmp_path / "mine").name == name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faster", "mine"]
