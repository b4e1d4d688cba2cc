"""A student whose files have changed since it was saved is not opened, and the error is a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import tiny
from workbench import students
from workbench.errors import ModelUnavailable
from workbench.students import Student
from workbench.students.checksums import CHECKSUMS


@pytest.fixture
def student(tmp_path: Path) -> Student:
    return students.save(tiny.static(), Student("mine", tmp_path / "mine", "base"))


def test_every_file_of_the_model_has_a_checksum(student: Student) -> None:
    assert {"model.safetensors", "tokenizer.json", "modules.json"} <= student.recipe[CHECKSUMS].keys()
    assert students.read(student.path) == student
    assert students.changed_files(student.path, student.recipe) == []


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_flipped_bytes_are_noticed(student: Student, file: str) -> None:
    content = bytearray((student.path / file).read_bytes())
    content[-5] ^= 1
    (student.path / file).write_bytes(content)
    with pytest.raises(
        ModelUnavailable, match=f"'mine' is damaged: .*{file} is not the file that was saved"
    ) as refused:
        students.load(student)
    assert "workbench doctor" in refused.value.hint
    assert students.changed_files(student.path, student.recipe) == [file]


def test_a_missing_file_is_noticed(student: Student) -> None:
    (student.path / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match=r"model\.safetensors is not the file that was saved"):
        students.load(student)


def test_weights_without_checksums_that_cannot_be_read_are_a_line(student: Student) -> None:
    (student.path / "model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(ModelUnavailable, match="cannot be opened") as refused:
        students.load(Student("mine", student.path))
    assert "\n" not in str(refused.value)


def test_a_recipe_makes_no_file_outside_its_folder_be_read(student: Student, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    recipe = {**student.recipe, CHECKSUMS: {"../secret": "0" * 64}}
    (student.path / students.RECIPE).write_text(json.dumps(recipe))
    assert students.changed_files(student.path, recipe) == ["../secret"]
