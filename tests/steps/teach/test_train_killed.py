"""Trainings whose process dies or is stopped: they go on to the same weights."""

from __future__ import annotations

import signal
import time
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

import pytest
import torch

from tests import children
from tests.steps.classes import collection
from tests.steps.teach.quick import QUICK, train_until_killed, trained, untimed_history, wait_for_checkpoint, weights
from workbench import jobs, students
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.train import TrainResult, train
from workbench.store import Store
from workbench.trainer import TrainSettings

LONG = replace(QUICK, steps=200)
HARDER = replace(QUICK, steps=60, refresh=13, hard=6, curriculum=0.5)


def options(settings: TrainSettings) -> list[str]:
    """Return settings as options of `train`."""
    given = {name: value for name, value in asdict(settings).items() if value != getattr(TrainSettings(), name)}
    return ["--teacher", "toy", *(text for name, value in given.items() for text in ("--set", f"{name}={value}"))]


@pytest.fixture(scope="module")
def undisturbed(untrained: str, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return trained(collection(tmp_path_factory.mktemp("undisturbed")), untrained, LONG)


@pytest.mark.process
@pytest.mark.slow
def test_a_killed_program_goes_on_to_the_same_weights(school: Store, untrained: str, undisturbed: TrainResult) -> None:
    child = children.workbench("train", untrained, *options(LONG), workspace=school.path)
    planned = plan(school, untrained, "toy", LONG)
    wait_for_checkpoint(school, planned, lambda: child.poll() is None)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (school.students / planned.name / students.RECIPE).exists()
    steps: list[int] = []
    result = train(school, planned, lambda at: steps.append(at.done))
    assert steps[0] > LONG.evaluate_every
    assert (result.student, result.trained.steps) == (undisturbed.student, LONG.steps)
    assert torch.equal(weights(result.path), weights(undisturbed.path))
    assert untimed_history(result) == untimed_history(undisturbed)


@pytest.mark.process
def test_killed_at_any_step_hard_negatives_and_curriculum_go_on_to_the_same_weights(
    school: Store, untrained: str, tmp_path: Path, moments: Random
) -> None:
    whole = trained(collection(tmp_path / "whole"), untrained, HARDER)
    planned, at = plan(school, untrained, "toy", HARDER), moments.randrange(1, 40)
    child = children.call(train_until_killed, school, planned, at, moments.uniform(0.0, 0.01))
    assert child.wait() == -signal.SIGKILL, child.stderr
    result = train(school, planned)
    assert torch.equal(weights(result.path), weights(whole.path)), f"killed at step {at}"
    assert untimed_history(result) == untimed_history(whole)
    assert (result.trained.best_step, result.trained.dev_after) == (whole.trained.best_step, whole.trained.dev_after)
    for split in ("dev", "test"):
        measures = evaluate(school, result.student, split).measures
        assert measures == evaluate(Store(tmp_path / "whole"), whole.student, split).measures


@pytest.mark.process
def test_a_stopped_job_keeps_the_best_so_far_and_can_go_on(
    school: Store, untrained: str, undisturbed: TrainResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "launch", children.launch)
    job = jobs.start(school, ["train", untrained, *options(LONG)])
    planned = plan(school, untrained, "toy", LONG)
    wait_for_checkpoint(school, planned, lambda: jobs.find(school, job.job_id).state == "running")
    jobs.stop(school, job.job_id)
    ended = wait_until_ended(school, job.job_id)
    assert (ended.state, ended.student) == ("stopped", planned.name), jobs.log(school, job.job_id)
    assert "ended by a request to stop" in ended.message
    outcome = students.find(planned.name, school.students).recipe["outcome"]
    assert (outcome["stopped"], outcome["dev_after"] > outcome["dev_before"]) == ("asked", True)
    assert LONG.evaluate_every <= outcome["steps"] < LONG.steps
    assert evaluate(school, planned.name, "dev").measures["nDCG@10"].mean == pytest.approx(outcome["dev_after"])
    result = train(school, planned)
    assert (result.trained.steps, result.trained.stopped) == (LONG.steps, "budget")
    assert torch.equal(weights(result.path), weights(undisturbed.path))


def wait_until_ended(store: Store, job_id: str) -> jobs.Job:
    deadline = time.monotonic() + 120
    while (job := jobs.find(store, job_id)).state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return job
