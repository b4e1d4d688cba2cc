"""`workbench jobs`: states and logs of background jobs."""

from __future__ import annotations

from tests.shell import worked
from workbench.store import Store


def test_jobs_are_listed_with_state_and_log(full: Store) -> None:
    (job,) = worked("jobs", "--json", workspace=full.path).json
    assert (job["state"], job["arguments"]) == ("lost", ["train", "x"])
    assert worked("jobs", "--log", job["job_id"], "--json", workspace=full.path).json["log"] == "first line\nlast line"
    assert "lost" in worked("jobs", workspace=full.path).out
    assert worked("jobs", "--log", "20260101-000000-abcd", workspace=full.path).out == "first line\nlast line\n"
