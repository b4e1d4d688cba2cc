"""Students are renamed, described and removed with all that is of them, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import run
from tests.shell import shell, worked
from tests.ui.pages import trained_student
from workbench import students
from workbench.errors import BadSetting, Conflict, UnknownName
from workbench.records import Candidate, Hit
from workbench.steps.ship.manage_students import delete_student, dependents, describe_student, rename_student
from workbench.store import Store, views

RERANKED = "rerank:toy@2/after"


@pytest.fixture
def trained(store: Store) -> Store:
    """Return the toy store, `after` trained from `before`, `third` from `after`, and `after` re-ranked."""
    trained_student(store, "after", 1, 0.7)
    trained_student(store, "third", 2, 0.6)
    file = store.students / "third" / "student.json"
    file.write_text(file.read_text().replace('"base": "before"', '"base": "after"'))
    store.add_run(run(RERANKED), [Hit(f"{RERANKED}@test", "q1", "p/1", 1, 2.0)])
    store.add_candidates([Candidate("q1", "03", "after"), Candidate("q1", "03", "before")])
    return store


def hits(store: Store, student: str) -> list[tuple[str, str, int]]:
    return [
        (hit.query_id, hit.passage_id, hit.rank) for hit in views.hits(store, views.find_run(store, student, "test"))
    ]


def test_what_depends_on_a_student_is_said(trained: Store) -> None:
    lasting = dependents(trained, "after")
    assert (lasting.students, lasting.runs, lasting.candidates) == (
        ("third",), ("after@test", f"{RERANKED}@test"), 1
    )  # fmt: skip
    assert "2 runs would go with it: after@test" in lasting.in_words
    assert "without a base to be compared with: third" in lasting.in_words
    assert "1 candidate that it proposed would stay" in lasting.in_words


def test_a_new_name_reaches_folder_runs_candidates_and_descendants(trained: Store) -> None:
    before, reranked = hits(trained, "after"), hits(trained, RERANKED)
    renamed = rename_student(trained, "after", " mein bester ")
    assert (renamed.name, renamed.path.name) == ("mein bester", "mein-bester")
    assert not (trained.students / "after").exists()
    assert {student.name: student.base for student in students.trained(trained.students)} == {
        "mein bester": "before", "third": "mein bester"
    }  # fmt: skip
    assert hits(trained, "mein bester") == before
    assert hits(trained, "rerank:toy@2/mein bester") == reranked
    assert {one.run for one in views.runs(trained)} == {
        "before@test", "mein bester@test", "rerank:toy@2/mein bester@test"
    }  # fmt: skip
    assert dependents(trained, "mein bester").candidates == 1
    assert "mein bester" in (renamed.path / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["before", "third", "bm25", "rerank:x", "a/b", " ", "***"])
def test_a_name_that_is_taken_or_none_changes_nothing(trained: Store, name: str) -> None:
    revision = trained.revision()
    with pytest.raises((Conflict, BadSetting)):
        rename_student(trained, "after", name)
    assert trained.revision() == revision
    assert students.read(trained.students / "after").name == "after"


def test_a_rename_that_fails_on_disk_changes_no_row(trained: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="full"):
        rename_student(trained, "after", "other")
    assert {one.student for one in views.runs(trained)} == {"before", "after", RERANKED}


def test_a_removed_student_takes_its_runs_along_and_leaves_the_candidates(trained: Store) -> None:
    pairs = sum(split.candidates for split in views.counts(trained).splits)
    delete_student(trained, "after")
    assert [student.name for student in students.trained(trained.students)] == ["third"]
    assert [one.run for one in views.runs(trained)] == ["before@test"]
    assert sum(split.candidates for split in views.counts(trained).splits) == pairs
    assert [path.name for path in trained.students.iterdir()] == ["third"]
    for verb in (delete_student, dependents):
        with pytest.raises(UnknownName):
            verb(trained, "before")  # it was not trained here


def test_note_and_tags_are_kept_beside_the_recipe(trained: Store) -> None:
    recipe = dict(students.read(trained.students / "after").recipe)
    describe_student(trained, "after", " the one we ship ", ["good", " ", "good", "v1"])
    described = students.read(trained.students / "after").recipe
    assert described == {**recipe, "note": "the one we ship", "tags": ["good", "v1"]}
    describe_student(trained, "after", tags=[])
    assert students.read(trained.students / "after").recipe == {**recipe, "note": "the one we ship", "tags": []}


def test_the_shell_manages_students_and_asks_before_it_removes_one(trained: Store) -> None:
    assert "If it were removed" in worked("student", "after", "--note", "x", workspace=trained.path).out
    assert worked("student", "after", "--rename", "-new", workspace=trained.path).out.startswith("-new.")
    assert shell("student", "third", "--delete", workspace=trained.path).code == 1, "nobody answers"
    assert students.read(trained.students / "third").name == "third"
    worked("student", "third", "--delete", "--yes", workspace=trained.path)
    assert [student.name for student in students.trained(trained.students)] == ["-new"]
    assert students.read(trained.students / "new").recipe["note"] == "x"
