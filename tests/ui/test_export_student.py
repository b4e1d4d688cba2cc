"""The part of the pages Train and Students that exports a student."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests import tiny
from workbench import jobs, students
from workbench.store import Store
from workbench.students import Student
from workbench.ui.students import export_student


def _page(path: str, folder: str) -> None:
    from pathlib import Path

    from workbench import students
    from workbench.store import Store
    from workbench.ui.students import export_student

    export_student.offer(Store(Path(path)), students.read(Path(folder)))


def _visit(store: Store, student: Student) -> AppTest:
    at = AppTest.from_function(_page, args=(str(store.path), str(student.path)), default_timeout=60).run()
    assert not at.exception
    return at


@pytest.fixture
def student(store: Store) -> Student:
    return students.save(tiny.static(), Student("mine: <b>", store.students / "mine-b", "base", {}))


def test_a_copy_is_started_as_a_job(store: Store, student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _store, arguments: started.append(list(arguments)))
    at = _visit(store, student)
    at.multiselect(key=f"runtimes-{student.name}").select("onnx").run()
    at.checkbox(key=f"int8-{student.name}").check().run()
    at.button(key=f"export-{student.name}").click().run()
    place = str(store.exports / "mine-b")
    assert started == [["export-student", student.name, place, "--runtime", "onnx", "--int8", "--check", "200"]]
    assert place in at.code[0].value


def test_the_card_is_shown_as_text(store: Store, student: Student) -> None:
    at = _visit(store, student)
    at.toggle(key=f"card-{student.name}").set_value(True).run()
    assert "# `mine: <b>`" in at.code[0].value
    assert not [shown for shown in at.markdown if "<b>" in shown.value]


def test_an_export_is_listed_with_its_loss(store: Store, student: Student) -> None:
    exported = students.save(tiny.static(), Student(student.name, store.exports / "mine-b", "base", {}))
    span = {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 4}
    loss: dict[str, Any] = {
        "file": "onnx/model.onnx",
        "comparisons": [{"measure": "AP", "after": span, "difference": {"mean": -0.1, "low": -0.2, "high": 0.0}}],
        **{"cosine": 0.99, "least_cosine": 0.9, "texts": 1234.0, "texts_before": 600.0, "size": 2_000_000},
    }
    quality = {"queries": 4, "passages": 5, "split": "test", "losses": [loss]}
    (exported.path / "quality.json").write_text(json.dumps(quality))
    at = _visit(store, student)
    (row,) = at.dataframe[0].value.to_dict("records")
    assert row["AP"] == "0.500 (-0.100 [-0.200, +0.000])"
    assert row["texts a second"] == "1,234 (original 600)"
    # The next export goes beside it.
    assert str(store.exports / "mine-b-2") in at.code[0].value


def test_a_copy_is_packed_whole(tmp_path: Path) -> None:
    made = students.save(tiny.static(), Student("mine", tmp_path / "mine", "", {}))
    with zipfile.ZipFile(io.BytesIO(export_student._zipped(made.path))) as packed:
        assert {"mine/README.md", "mine/model.safetensors", "mine/student.json"} <= set(packed.namelist())
