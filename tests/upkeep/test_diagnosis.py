"""Doctor names every kind of damage, and calls a sound workspace whole."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests import tiny
from tests.conftest import QUERIES
from tests.shell import shell
from workbench import students
from workbench.errors import Damaged, WorkbenchError
from workbench.records import Passage
from workbench.retrieval.encoder import Encoder
from workbench.steps.annotate.annotate import annotate
from workbench.steps.annotate.annotator_agreement import annotator_agreement
from workbench.store import Store, views
from workbench.store.views import checks
from workbench.students import Student
from workbench.upkeep import diagnosis
from workbench.upkeep.diagnosis import doctor


def states(store: Store, what: str) -> list[tuple[str, str]]:
    return [(finding.state, finding.message) for finding in doctor(store).findings if finding.what == what]


def saved(store: Store, name: str = "mine") -> Student:
    return students.save(tiny.static(), Student(name, store.students / name, "base"))


def test_a_sound_workspace_is_whole(store: Store) -> None:
    Encoder(saved(store), store.vectors).passages(["oil"])
    found = doctor(store)
    assert found.is_whole
    assert {finding.what for finding in found.findings} == {
        "database",
        "students",
        "vectors",
        "jobs",
        "versions",
        "disk",
    }
    assert states(store, "database")[0][1].startswith("Every block was read: ")
    assert f"{len(QUERIES)} queries" in states(store, "database")[0][1]
    assert states(store, "vectors") == [("good", "1 folders of vectors were looked at.")]


def test_flipped_bytes_of_the_database_are_found(store: Store) -> None:
    store.add_collection((), [Passage(f"p{n}", "", f"{n} {n * 7919} the text of a passage " * 20) for n in range(4000)])
    whole = store.snapshot(store.path / "copy.duckdb").read_bytes()
    damaged = bytearray(whole)
    middle = slice(len(whole) // 3, 2 * len(whole) // 3, 64_000)
    damaged[middle] = bytes(255 - byte for byte in damaged[middle])
    store.database.write_bytes(damaged)
    found = doctor(store)
    assert not found.is_whole
    (database,) = (finding for finding in found.findings if finding.what == "database")
    assert "is damaged" in database.message
    assert "damaged in 1 places" in found.in_words


def test_of_a_database_that_cannot_be_opened_the_rest_is_looked_at(store: Store) -> None:
    saved(store)
    store.database.write_bytes(b"no database")
    found = doctor(Store(store.path, opened=False))
    assert [finding.what for finding in found.findings if finding.state == "bad"] == ["database"]
    assert ("good", "1 have the files that were saved.") in states(store, "students")
    printed = shell("doctor", workspace=store.path)
    assert (printed.code, "workbench.duckdb cannot be read" in printed.out) == (1, True)
    assert "workbench doctor" in shell("info", workspace=store.path).err


def test_flipped_weights_permuted_vectors_and_a_broken_recipe_are_found(store: Store) -> None:
    student, other = saved(store), saved(store, "other")
    Encoder(student, store.vectors).passages(["oil", "sea"])
    (file,) = (path for path in store.vectors.rglob("*.npy") if not path.name.endswith(".keys.npy"))
    np.save(file, np.load(file)[::-1])
    weights = student.path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    (other.path / "student.json").write_text("{}")
    bad = {(finding.what, finding.message) for finding in doctor(store).findings if finding.state == "bad"}
    assert any(what == "vectors" and str(file) in message for what, message in bad)
    assert any(what == "student" and "model.safetensors" in message for what, message in bad)
    assert any(what == "student" and str(other.path / "student.json") in message for what, message in bad)


def test_what_lies_about_is_noted(store: Store) -> None:
    Encoder(saved(store), store.vectors).passages(["oil"])
    (store.students / "mine").rename(store.path / "elsewhere")
    (store.students / ".training-half").mkdir()
    (store.exports / ".aside-x").mkdir(parents=True)
    (store.jobs / "lost").mkdir(parents=True)
    job = {"arguments": ["score"], "started": "2026-01-01T00:00:00+00:00", "pid": 2**22 + 1, "created": 0.0}
    (store.jobs / "lost" / "job.json").write_text(json.dumps(job))
    found = doctor(store)
    assert found.is_whole
    noted = {finding.what: finding.message for finding in found.findings if finding.state == "note"}
    assert noted.keys() == {"vectors", "training", "draft", "job"}
    assert "of no student, base or run" in noted["vectors"]
    assert "lost (score) is lost" in noted["job"]


def test_a_broken_job_hides_no_other(store: Store) -> None:
    for name, text in (
        ("a", "{"),
        ("b", "{}"),
        ("c", '{"arguments": [], "started": "2026-01-01T00:00:00+00:00", "pid": 0, "created": 0}'),
    ):
        (store.jobs / name).mkdir(parents=True)
        (store.jobs / name / "job.json").write_text(text)
    with pytest.warns(Damaged, match="Left out a job"):
        assert states(store, "jobs") == [("good", "1 jobs, 0 running.")]


def test_a_row_that_no_verb_could_write_is_reported_and_not_fatal(store: Store) -> None:
    annotate(store, "q1", "ü", "useful", "ada", grade=2)
    annotate(store, "q1", "ü", "useless", "bob", grade=1)
    with store.write() as connection:
        connection.execute(
            "insert into annotations by name select * replace (9 as grade, 'eve' as annotator, 7 as sequence) "
            "from annotations where annotator = 'ada'"
        )
    assert checks.unsound_annotations(store) == [("q1", "ü", "eve")]
    assert {row.annotator for row in views.verdicts(store)} == {"ada", "bob"}
    assert annotator_agreement(store).annotators == ("ada", "bob")
    assert states(store, "annotations")[0][0] == "bad"


def test_a_full_disk_and_a_network_file_system_are_noted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "LEAST_FREE", 1 << 60)
    monkeypatch.setattr(diagnosis, "_file_system", lambda _: "nfs4")
    assert [state for state, _ in states(store, "disk")] == ["note", "note"]


def test_the_command_ends_with_1_where_something_is_damaged(store: Store) -> None:
    printed = shell("doctor", workspace=store.path)
    assert (printed.code, printed.out.splitlines()[-1].startswith(f"{store.path} is whole.")) == (0, True)
    (store.students / "x").mkdir(parents=True)
    (store.students / "x" / "student.json").write_text("[")
    assert shell("doctor", workspace=store.path).code == 1
    assert "Warning: Left out a student: " in shell("students", workspace=store.path).err


def test_who_holds_the_database_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: Store) -> None:
        raise WorkbenchError("workbench.duckdb is kept busy by process 7 (duckdb).", "Close that program.")

    monkeypatch.setattr(checks, "facts", busy)
    assert states(store, "database") == [("bad", "workbench.duckdb is kept busy by process 7 (duckdb).")]
