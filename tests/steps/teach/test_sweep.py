"""Sweep: many trainings as one, each only once, whatever becomes of the others."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.shell import shell, worked
from tests.steps.classes import collection
from workbench.errors import BadSetting
from workbench.records import Progress
from workbench.steps.teach import sweep as step
from workbench.steps.teach.sweep import SweepResult, sweep
from workbench.store import Store, views
from workbench.students import trained
from workbench.trainer import Grid

pytestmark = pytest.mark.slow

USUAL = {"batch_size": 4, "candidates": 4, "negatives": 2, "steps": 10, "evaluate_every": 5, "learning_rate": 0.05}
GRID = Grid({"loss": ["utility_infonce", "kl"]}, seeds=[1, 2], usual=USUAL)


def states(result: SweepResult) -> list[str]:
    return [attempt.state for attempt in result.attempts]


def test_each_is_trained_and_evaluated_once(school: Store, untrained: str) -> None:
    progress: list[Progress] = []
    result = sweep(school, untrained, "toy", GRID, listen=progress.append)
    assert states(result) == ["trained"] * 4
    assert [attempt.settings for attempt in result.attempts] == [
        {"loss": loss, "seed": seed} for loss in ("utility_infonce", "kl") for seed in (1, 2)
    ]
    names = {attempt.student for attempt in result.attempts}
    assert {run.student for run in views.runs(school, "test")} == names | {untrained}
    assert any(at.note.startswith("3 of 4: loss=kl, seed=1; loss ") for at in progress)
    done = [at.done for at in progress]
    assert (done == sorted(done), done[-1], {at.total for at in progress}) == (True, 40, {40})
    revision, created = school.revision(), [student.recipe["created"] for student in trained(school.students)]
    again = sweep(school, untrained, "toy", GRID)
    assert states(again) == ["existing"] * 4
    assert "0 trained, 4 were there already, 0 failed" in again.in_words
    assert school.revision() == revision
    assert [student.recipe["created"] for student in trained(school.students)] == created


def test_one_that_diverges_does_not_stop_the_others(
    school: Store, untrained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = step.train

    def diverging(store: Store, planned: Any, *more: Any) -> Any:
        if planned.settings.loss == "utility_infonce":
            raise BadSetting("The loss is nan at step 3: the training has diverged.")
        return train(store, planned, *more)

    monkeypatch.setattr(step, "train", diverging)
    result = sweep(school, untrained, "toy", GRID, split="none")
    assert states(result) == ["failed", "failed", "trained", "trained"]
    assert "2 failed" in result.in_words
    assert "loss=utility_infonce, seed=1 failed: The loss is nan at step 3" in result.in_words
    assert views.runs(school) == []


def test_stopped_it_goes_on_where_it_was(school: Store, untrained: str, tmp_path: Path) -> None:
    calls, grid = count(), Grid({}, seeds=[1, 2, 3], usual=USUAL)
    # Asked once before each training and after each step: the second student is at its fourth.
    result = sweep(school, untrained, "toy", grid, "none", stop=lambda: next(calls) >= 15)
    assert (result.stopped, states(result)) == (True, ["trained"])
    assert "stopped with 2 to go" in result.in_words
    again = sweep(school, untrained, "toy", grid, "none")
    assert (again.stopped, states(again)) == (False, ["existing", "trained", "trained"])
    whole = sweep(collection(tmp_path / "other"), untrained, "toy", grid, "none")
    assert [attempt.student for attempt in again.attempts] == [attempt.student for attempt in whole.attempts]
    outcomes = [[attempt.trained.dev_after for attempt in one.attempts if attempt.trained] for one in (again, whole)]
    assert outcomes[0] == outcomes[1]


def test_nothing_is_trained_if_anything_is_wrong(school: Store, untrained: str) -> None:
    for wrong in (Grid({"loss": ["kl", "klx"]}), Grid({"loss": ["kl"], "max_tokens": [None, -1]})):
        with pytest.raises(BadSetting, match="cannot start"):
            sweep(school, untrained, "toy", wrong)
    with pytest.raises(BadSetting, match="holdout split has no queries"):
        sweep(school, untrained, "toy", GRID, "holdout")
    assert trained(school.students) == []


# --- in the shell


def test_the_shell_reads_a_grid_and_a_file(school: Store, untrained: str, tmp_path: Path) -> None:
    common = [untrained, "--teacher", "toy", "--seeds", "1,2", "--steps", 5]
    common += [part for name in ("batch_size", "candidates") for part in ("--set", f"{name}=4")]
    printed = worked("sweep", *common, "--grid", "loss=kl,infonce", "--json", workspace=school.path).json
    assert [attempt["settings"]["loss"] for attempt in printed["attempts"]] == ["kl", "kl", "infonce", "infonce"]
    file = tmp_path / "sweep.toml"
    file.write_text('[[settings]]\nloss = "kl"\n[[settings]]\nloss = "infonce"\nteacher_temperature = 0.5\n')
    run = worked("sweep", *common, "--file", file, workspace=school.path)
    assert "2 trained, 2 were there already" in run.out
    table = worked("students", workspace=school.path).out
    assert "To choose among the 3 recipes, adjusted for all of them (Holm): " in table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "either --grid or --file"),
        (["--grid", "loss=kl", "--seeds", "1,x"], "not a list of whole numbers"),
        (["--grid", "los=kl", "--grid", "steps=0"], "2 reasons"),
        (["--file", "no.toml"], "cannot be read as TOML"),
    ],
)
def test_what_is_wrong_is_said_before_anything_happens(school: Store, arguments: list[str], words: str) -> None:
    run = shell("sweep", *arguments, workspace=school.path)
    assert (run.code, run.out) == (1, "")
    assert words in " ".join(run.err.split())


def test_a_file_that_is_no_list_of_settings_is_refused(school: Store, tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text('loss = "kl"\n')
    run = shell("sweep", "--file", tmp_path / "sweep.toml", workspace=school.path)
    assert "not a list of tables [[settings]]" in " ".join(run.err.split())
