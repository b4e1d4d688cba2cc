"""A job is a process of its own: it can be followed, stopped, killed, and found again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests import children
from workbench import jobs
from workbench.errors import UnknownName, WorkbenchError
from workbench.jobs import Job
from workbench.records import Progress
from workbench.store import Store, views

PATIENCE = 120.0


def wait(store: Store, job_id: str, until: Callable[[Job], bool]) -> Job:
    deadline = time.monotonic() + PATIENCE
    while not until(job := jobs.find(store, job_id)):
        assert time.monotonic() < deadline, (job, jobs.log(store, job_id))
        time.sleep(0.1)
    return job


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let jobs come from the fork server: as real, and there at once."""
    monkeypatch.setattr(jobs, "launch", children.launch)


def ended(job: Job) -> bool:
    return job.state != "running"


@pytest.mark.process
@pytest.mark.usefixtures("forked")
def test_a_job_runs_on_its_own_and_reports_how_it_ended(store: Store) -> None:
    job = jobs.start(store, ["score", "--teacher", "lexical", "--split", "train"])
    done = wait(store, job.job_id, ended)
    assert (done.state, done.verb) == ("done", "score"), jobs.log(store, job.job_id)
    assert "4 pairs" in done.message
    assert "4 pairs" in jobs.log(store, job.job_id)
    assert any(row.teacher.startswith("lexical") for row in views.teachers(store))


@pytest.mark.process
@pytest.mark.usefixtures("forked")
def test_a_failed_job_says_why_and_what_to_do(store: Store) -> None:
    job = jobs.start(store, ["train", "no/such model", "--teacher", "toy"])
    failed = wait(store, job.job_id, ended)
    assert failed.state == "failed"
    assert "no/such model" in failed.message


@pytest.mark.process
def test_a_killed_job_is_lost_not_running(store: Store) -> None:
    job = jobs.start(store, ["jobs", "--json"])
    pid = jobs._load(store.jobs / job.job_id / "job.json")["pid"]
    os.kill(pid, signal.SIGKILL)
    lost = wait(store, job.job_id, ended)
    assert lost.state == "lost"
    assert "kept" in lost.message
    with pytest.raises(WorkbenchError, match="lost"):
        jobs.stop(store, job.job_id)


def test_a_pid_given_to_another_process_is_not_the_job(store: Store) -> None:
    folder = store.jobs / "20260101-000000-abcd"
    folder.mkdir(parents=True)
    other = psutil.Process()
    made = {"arguments": ["train"], "started": "2026-01-01T00:00:00+00:00", "pid": other.pid, "created": 1.0}
    jobs._write(folder / "job.json", made)
    assert jobs.find(store, folder.name).state == "lost"


def test_a_job_that_was_asked_to_stop_is_stopping_until_it_ends(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store.jobs / "20260101-000000-abcd"
    folder.mkdir(parents=True)
    me = psutil.Process()
    made = {"arguments": ["train"], "started": "2026-01-01T00:00:00+00:00", **jobs._identity(me.pid)}
    jobs._write(folder / "job.json", made)
    monkeypatch.setattr(psutil.Process, "terminate", lambda _process: None)  # the step at hand takes its time
    assert not jobs.find(store, folder.name).stopping
    jobs.stop(store, folder.name)
    asked = jobs.find(store, folder.name)
    assert (asked.state, asked.stopping) == ("running", True)
    jobs._write(folder / "status.json", {"state": "stopped", "message": "", "updated": "2026-01-01T00:00:01+00:00"})
    assert (jobs.find(store, folder.name).state, jobs.find(store, folder.name).stopping) == ("stopped", False)


def test_the_newest_job_comes_first_and_unknown_ones_are_named(store: Store) -> None:
    for name in ("20260101-000000-aaaa", "20260102-000000-bbbb"):
        (store.jobs / name).mkdir(parents=True)
        jobs._write(
            store.jobs / name / "job.json",
            {"arguments": [], "started": "2026-01-01T00:00:00+00:00", "pid": 2**22 + 7, "created": 0.0},
        )
    assert [job.job_id[-4:] for job in jobs.jobs(store)] == ["bbbb", "aaaa"]
    for wrong in ("nothing", "../outside", ""):
        with pytest.raises(UnknownName):
            jobs.find(store, wrong)


def test_a_reporter_beats_and_keeps_how_it_ended(tmp_path: Path) -> None:
    reporter = jobs.Reporter(tmp_path)
    reporter.progress(Progress("train", 3, 10, "steps", "loss 1"))
    reporter.student("new one")
    status = jobs._load(tmp_path / "status.json")
    assert (status["progress"], status["pace"]) == (["train", 3, 10, "steps", "loss 1", None], [None, None])
    reporter.progress(Progress("train", 5, 10, "steps", "loss 1"))
    reporter.student("new one")
    rate, seconds_left = jobs._load(tmp_path / "status.json")["pace"]
    assert rate * seconds_left == pytest.approx(5)
    reporter.end("done", "all of it")
    time.sleep(jobs.HEARTBEAT_SECONDS / 10)
    status = jobs._load(tmp_path / "status.json")
    assert (status["state"], status["message"], status["student"]) == ("done", "all of it", "new one")
