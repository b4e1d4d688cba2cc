"""Vectors on disk: under a fingerprint that was computed, and left out where they have changed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from workbench import students
from workbench.errors import Damaged
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.fingerprint import fingerprint
from workbench.retrieval.passage_index import note_index
from workbench.retrieval.vector_cache import VectorCache, key
from workbench.students import Student

TEXTS = ["oil", "sea", "river"]
KEYS = [key("passage", text) for text in TEXTS]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def cache(tmp_path: Path) -> VectorCache:
    cache = VectorCache(tmp_path / "vectors")
    cache.add(KEYS, np.eye(3, 4, dtype=np.float32))
    return cache


def test_permuted_vectors_are_left_out(cache: VectorCache) -> None:
    (file,) = (path for path in cache.folder.glob("*.npy") if not path.name.endswith(".keys.npy"))
    assert cache.damaged() == []
    np.save(file, np.load(file)[::-1])
    with pytest.warns(Damaged, match="not what was written"):
        assert VectorCache(cache.folder).missing(KEYS).tolist() == sorted(KEYS)
    assert cache.damaged() == [file]


def test_permuted_keys_are_left_out(cache: VectorCache) -> None:
    (file,) = cache.folder.glob("*.keys.npy")
    np.save(file, np.load(file)[::-1])
    with pytest.warns(Damaged, match="not what was written"):
        assert VectorCache(cache.folder).missing(KEYS).tolist() == sorted(KEYS)


def test_vectors_of_earlier_versions_are_read(cache: VectorCache) -> None:
    for file in list(cache.folder.glob("sha256-*")):
        file.rename(file.with_name(file.name.replace(file.name[:39], "0" * 32)))
    assert VectorCache(cache.folder).missing(KEYS).tolist() == []


@pytest.mark.parametrize("index", ["../../../outside", "0123456789abcdef", 7])
def test_what_a_foreign_recipe_claims_names_no_place_for_vectors(tmp_path: Path, index: object) -> None:
    workspace = tmp_path / "a" / "workspace"
    folder = workspace / "students" / "theirs"
    students.save(tiny.static(), Student("theirs", folder, "base"))
    recipe = json.loads((folder / "student.json").read_text())
    (folder / "student.json").write_text(json.dumps({**recipe, "index": index}))
    before = files(tmp_path)
    Encoder(students.read(folder), workspace / "vectors").passages(TEXTS)
    written = files(tmp_path) - before
    assert written
    assert {Path(name).parent.as_posix() for name in written} == {f"a/workspace/vectors/{fingerprint(folder)}-float32"}


@pytest.mark.parametrize(
    ("noted", "index"), [("0123456789abcdef", "0123456789abcdef"), ("../../outside", ""), ("", "")]
)
def test_an_index_is_the_one_that_the_workspace_noted(tmp_path: Path, noted: str, index: str) -> None:
    student = students.save(tiny.static(), Student("mine", tmp_path / "mine", "base"))
    own = fingerprint(student.path)
    note_index(tmp_path / "vectors", own, noted)
    assert Encoder(student, tmp_path / "vectors").index_fingerprint == (index or own)
