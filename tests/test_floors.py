"""The floors hold: imports go down, and looking at the package loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "sentence_transformers", "streamlit", "plotly", "faiss", "datasets", "scipy")


@pytest.mark.parametrize(
    "statement",
    [
        "import workbench; workbench.__all__",
        "import workbench.cli",
        "import workbench.store, workbench.store.views",
        "import workbench.jobs",
        "import workbench; workbench.views",
        "from workbench import ingest, candidates, score, diff, annotate, export, plan, train, evaluate, teacher",
    ],
)
def test_importing_is_light(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_the_wait_policy_stands_before_torch() -> None:
    code = (
        "import os; os.environ.pop('OMP_WAIT_POLICY', None); import workbench; workbench.teacher; "
        "print(os.environ['OMP_WAIT_POLICY'])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "PASSIVE"
