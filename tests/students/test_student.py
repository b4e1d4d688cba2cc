"""A student's folder is read with the recipe that it was made by, or the error says why it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import tiny
from workbench import students
from workbench.errors import BadInput, BadSetting, Damaged, ModelUnavailable
from workbench.students import Student


def _saved(folder: Path, name: str, seed: int = 0, **recipe: str) -> Student:
    return students.save(tiny.static(seed), Student(name, folder / students.slug(name), "base", recipe))


def test_opens_with_sentence_transformers_alone(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    student = _saved(tmp_path, "mine")
    opened = SentenceTransformer(str(student.path), device="cpu", local_files_only=True)
    assert (opened.encode(["oil"]) == students.load(student).encode(["oil"])).all()


def test_the_recipe_comes_back(tmp_path: Path) -> None:
    student = _saved(tmp_path, "mine: a test", teacher="lexical")
    (read,) = students.trained(tmp_path)
    assert read == student
    assert read.recipe["teacher"] == "lexical"
    assert {"created", "name", "base", "versions"} <= set(read.recipe)
    assert read.recipe["versions"].keys() == {"sentence-transformers", "transformers", "torch"}


def test_lists_the_oldest_first_and_nothing_half_made(tmp_path: Path) -> None:
    assert students.trained(tmp_path / "none") == []
    for name in ("b", "a"):
        _saved(tmp_path, name)
    draft = tmp_path / ".c-draft"
    draft.mkdir()
    (draft / "student.json").write_text("{}")
    (tmp_path / "unrelated").mkdir()
    assert [student.name for student in students.trained(tmp_path)] == ["b", "a"]


@pytest.mark.parametrize(
    "damage", ["{", "[]", "[" * 10**5, '{"base": "x"}', '{"name": 1}', '{"name": "a", "created": 1}']
)
def test_a_damaged_recipe_is_named_and_hides_no_other(tmp_path: Path, damage: str) -> None:
    student, other = _saved(tmp_path, "mine"), _saved(tmp_path, "other", seed=1)
    (student.path / "student.json").write_text(damage)
    with pytest.raises(BadInput, match=r"student\.json"):
        students.read(student.path)
    with pytest.warns(Damaged, match=r"mine.student\.json"):
        assert students.trained(tmp_path) == [other]
    assert students.find("other", tmp_path) == other


def test_says_why_a_model_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no modules\.json"):
        students.load(Student("empty", tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="cannot be opened"):
        students.load(Student("broken", tmp_path))


def test_loads_half_precision_weights_in_full(tmp_path: Path) -> None:
    import torch

    model = tiny.static().bfloat16()
    student = students.save(model, Student("half", tmp_path / "half"))
    assert next(students.load(student).parameters()).dtype == torch.float32


@given(st.text(min_size=1))
def test_a_slug_is_a_plain_folder_name(name: str) -> None:
    try:
        slug = students.slug(name)
    except BadSetting:
        assert not any(letter.isalnum() or letter == "_" for letter in name)
        return
    assert Path(slug).name == slug
    assert not slug.startswith((".", "-"))
    assert len(slug) <= 100


def test_slugs_read_like_their_names() -> None:
    assert students.slug("static:all-MiniLM-L6-v2") == "static-all-MiniLM-L6-v2"
    assert students.slug("../../etc/passwd") == "etc-passwd"
    assert students.slug("x" * 200) != students.slug("x" * 201)
