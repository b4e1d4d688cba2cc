"""Training in several processes: one student, the one that a single process makes of the same parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests import children, tiny
from tests.steps.classes import ROOT, WORDS, base, collection
from workbench import students
from workbench.errors import BadSetting
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.sweep import sweep
from workbench.steps.teach.train import train, work_folder
from workbench.store import Store
from workbench.trainer import Grid, TrainSettings

QUICK = TrainSettings(
    loss="kl", batch_size=4, candidates=4, negatives=2, steps=12, evaluate_every=4, patience=0, learning_rate=0.05,
    teacher_temperature=0.5, accumulate=2,
)  # fmt: skip
ARGUMENTS = [
    "--teacher", "toy", "--loss", "kl", "--batch-size", "4", "--candidates", "4", "--negatives", "2", "--steps", "12",
    "--evaluate-every", "4", "--patience", "0", "--learning-rate", "0.05", "--teacher-temperature", "0.5", "--json",
]  # fmt: skip


def torchrun(store: Store, *arguments: str) -> str:
    """Run the program in two processes as torchrun starts them, and return what it printed."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "workbench"]
    command = [*start, "--workspace", str(store.path), *arguments]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def forked(store: Store, *arguments: str) -> str:
    """Run the program in two forked processes, and return what they printed."""
    ranks = children.workbench_ranks(2, *arguments, workspace=store.path)
    return "".join(rank.checked() for rank in ranks)


def weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Return the weights of all files of a student."""
    return {
        f"{file.relative_to(path)} {name}": value
        for file in Path(path).rglob("*.safetensors")
        for name, value in load_file(file).items()
    }


def without_dropout(folder: Path) -> str:
    """Write a transformer without dropout, which would draw other numbers in other processes; return its folder."""
    config = tiny.bert(folder, words=WORDS) / "config.json"
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config.write_text(json.dumps(json.loads(config.read_text()) | none))
    return str(folder)


@pytest.mark.process
@pytest.mark.parametrize(
    ("start", "method", "options", "changed"),
    [
        (torchrun, "full", ["--refresh", "5", "--hard", "6"], {"refresh": 5, "hard": 6}),
        (forked, "query_only", [], {}),
        (forked, "adapter", [], {}),
        (forked, "lora", ["--chunk", "3", "--learning-rate", "0.001"], {"chunk": 3, "learning_rate": 0.001}),
    ],
)
def test_two_processes_make_the_student_of_one(
    tmp_path: Path, start: Callable[..., str], method: str, options: list[str], changed: dict[str, float]
) -> None:
    student = without_dropout(tmp_path / "bert") if method == "lora" else base(tmp_path / "static")
    one, two = collection(tmp_path / "one"), collection(tmp_path / "two")
    printed = json.loads(start(two, "train", student, *ARGUMENTS, "--method", method, *options))  # printed once
    alone = train(one, plan(one, student, "toy", replace(QUICK, method=method, **changed)))
    assert outcome(printed["trained"]) == pytest.approx(outcome(vars(alone.trained)))
    assert [student.name for student in students.trained(two.students)] == [alone.student] == [printed["student"]]
    assert [path.name for path in two.students.iterdir()] == [Path(printed["path"]).name]
    ours, theirs = weights(printed["path"]), weights(alone.path)
    assert ours.keys() == theirs.keys() != set()
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-5)


def outcome(trained: Mapping[str, float]) -> dict[str, float]:
    """Return the outcome of a training, as far as it does not depend on the clock."""
    return {name: trained[name] for name in ("steps", "best_step", "dev_before", "dev_after")}


@pytest.mark.process
def test_two_processes_go_on_where_one_stopped(tmp_path: Path) -> None:
    student, store, whole = base(tmp_path / "static"), collection(tmp_path / "ws"), collection(tmp_path / "whole")
    undisturbed = train(whole, plan(whole, student, "toy", QUICK))
    answers = iter([False] * 5 + [True])
    stopped = train(store, plan(store, student, "toy", QUICK), stop=lambda: next(answers))
    assert stopped.trained.stopped == "asked"
    printed = json.loads(forked(store, "train", student, *ARGUMENTS))
    ours, theirs = weights(printed["path"]), weights(undisturbed.path)
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-5)


@pytest.mark.process
def test_an_error_in_the_main_process_ends_both(tmp_path: Path) -> None:
    student, store = base(tmp_path / "static"), collection(tmp_path / "ws")
    work = work_folder(store, plan(store, student, "toy", QUICK).name)
    work.mkdir(parents=True)
    (work / "recipe.json").write_text('{"seed": 8}')
    ranks = children.workbench_ranks(2, "train", student, *ARGUMENTS, workspace=store.path)
    assert [rank.wait() for rank in ranks] == [1, 1]  # the second did not wait for ever
    assert all("holds another training" in rank.stderr for rank in ranks)
    assert not list(students.trained(store.students))


def test_a_plan_for_several_processes_has_parts_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    student, store = base(tmp_path / "static"), collection(tmp_path / "ws")
    apart = plan(store, student, "toy", QUICK)
    monkeypatch.setenv("WORLD_SIZE", "2")
    together = plan(store, student, "toy", replace(QUICK, accumulate=1))
    assert together.name == apart.name
    assert together.settings.accumulate == 2
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(BadSetting, match="do not split into equal parts"):
        plan(store, student, "toy", QUICK)


def test_a_sweep_is_refused_in_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    student, store = base(tmp_path / "static"), collection(tmp_path / "ws")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(BadSetting, match="in one process"):
        sweep(store, student, "toy", Grid({"seed": [1]}))
    assert not store.students.exists() or not list(store.students.iterdir())
