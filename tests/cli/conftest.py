"""What tests of several commands begin with."""

from __future__ import annotations

import pytest

from tests import tiny
from workbench import jobs, students
from workbench.store import Store


@pytest.fixture
def full(store: Store) -> Store:
    """Return the toy workspace with a trained student and an ended job."""
    outcome = {"measure": "nDCG@10", "dev_before": 0.25, "dev_after": 0.5, "steps": 3, "best_step": 2}
    student = students.Student(
        "mine", store.students / "mine", "base", {"kind": "lora", "teacher": "toy", "loss": "kl", "outcome": outcome}
    )
    students.save(tiny.static(), student)
    (store.jobs / "20260101-000000-abcd").mkdir(parents=True)
    jobs._write(
        store.jobs / "20260101-000000-abcd" / "job.json",
        {"arguments": ["train", "x"], "started": "2026-01-01T00:00:00+00:00", "pid": 2**22 + 7, "created": 0.0},
    )
    (store.jobs / "20260101-000000-abcd" / "log.txt").write_text("first line\nlast line\n")
    return store
