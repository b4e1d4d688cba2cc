"""Training in several processes: one student, the one that a single process makes of the same parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests import tiny
from tests.steps.classes import ROOT, WORDS, base, collection
from workbench import students
from workbench.errors import BadSetting
from workbench.steps.teach.plan import plan
from workbench.steps.teach.sweep import sweep
from workbench.steps.teach.train import TrainResult, train, work_folder
from workbench.store import Store
from workbench.trainer import Grid, TrainSettings

QUICK = TrainSettings(
    loss="kl", batch_size=4, candidates=4, negatives=2, steps=30, evaluate_every=10, patience=0, learning_rate=0.05,
    teacher_temperature=0.5, accumulate=2,
)  # fmt: skip
ARGUMENTS = [
    "--teacher", "toy", "--loss", "kl", "--batch-size", "4", "--candidates", "4", "--negatives", "2", "--steps", "30",
    "--evaluate-every", "10", "--patience", "0", "--learning-rate", "0.05", "--teacher-temperature", "0.5", "--json",
]  # fmt: skip


def both(store: Store, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the program in two processes on this machine."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "workbench"]
    command = [*start, "--workspace", str(store.path), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, check=False
    )


def weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Return the weights of all files of a student."""
    return {
        f"{file.relative_to(path)} {name}": value
        for file in Path(path).rglob("*.safetensors")
        for name, value in load_file(file).items()
    }


def steady(folder: Path) -> str:
    """Write a transformer without dropout, which would draw other numbers in other processes; return its folder."""
    config = tiny.bert(folder, words=WORDS) / "config.json"
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config.write_text(json.dumps(json.loads(config.read_text()) | none))
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "more", "changed"),
    [
        ("full", ["--refresh", "7", "--hard", "6"], {"refresh": 7, "hard": 6}),
        ("query_only", [], {}),
        ("adapter", [], {}),
        ("lora", ["--chunk", "3"], {"chunk": 3, "learning_rate": 0.001}),
    ],
)
def test_two_processes_make_the_student_of_one(
    tmp_path: Path, kind: str, more: list[str], changed: dict[str, float]
) -> None:
    named = steady(tmp_path / "bert") if kind == "lora" else base(tmp_path / "static")
    more = [*more, *(["--learning-rate", "0.001"] if kind == "lora" else [])]
    one, two = collection(tmp_path / "one"), collection(tmp_path / "two")
    said = both(two, "train", named, *ARGUMENTS, "--method", kind, *more)
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)  # printed once
    alone = train(one, plan(one, named, "toy", replace(QUICK, method=kind, **changed)))
    assert _measured(told["trained"]) == pytest.approx(_measured(alone))
    assert [student.name for student in students.trained(two.students)] == [alone.student] == [told["student"]]
    assert [path.name for path in two.students.iterdir()] == [Path(told["path"]).name]
    mine, theirs = weights(told["path"]), weights(alone.path)
    assert mine.keys() == theirs.keys() != set()
    for name, value in mine.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-5)


def _measured(result: TrainResult | dict[str, float]) -> dict[str, float]:
    """Return what a training came to, as far as it does not depend on the clock."""
    found = result if isinstance(result, dict) else vars(result.trained)
    return {name: found[name] for name in ("steps", "best_step", "dev_before", "dev_after")}


@pytest.mark.slow
def test_two_processes_go_on_where_one_stopped(tmp_path: Path) -> None:
    named, store, whole = base(tmp_path / "static"), collection(tmp_path / "ws"), collection(tmp_path / "whole")
    undisturbed = train(whole, plan(whole, named, "toy", QUICK))
    asked = iter([False] * 13 + [True])
    assert train(store, plan(store, named, "toy", QUICK), stop=lambda: next(asked)).trained.stopped == "asked"
    said = both(store, "train", named, *ARGUMENTS)
    assert said.returncode == 0, said.stderr
    mine, theirs = weights(json.loads(said.stdout)["path"]), weights(undisturbed.path)
    for name, value in mine.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-5)


@pytest.mark.slow
def test_what_goes_wrong_in_the_first_ends_both(tmp_path: Path) -> None:
    named, store = base(tmp_path / "static"), collection(tmp_path / "ws")
    work = work_folder(store, plan(store, named, "toy", QUICK).name)
    work.mkdir(parents=True)
    (work / "recipe.json").write_text('{"seed": 8}')
    said = both(store, "train", named, *ARGUMENTS)
    assert said.returncode == 1
    assert said.stderr.count("holds another training") == 2  # the second did not wait for ever
    assert not list(students.trained(store.students))


def test_a_plan_for_several_processes_has_parts_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, store = base(tmp_path / "static"), collection(tmp_path / "ws")
    apart = plan(store, named, "toy", QUICK)
    monkeypatch.setenv("WORLD_SIZE", "2")
    together = plan(store, named, "toy", replace(QUICK, accumulate=1))
    assert together.name == apart.name
    assert together.settings.accumulate == 2
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(BadSetting, match="do not split into equal parts"):
        plan(store, named, "toy", QUICK)


def test_a_sweep_is_refused_in_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, store = base(tmp_path / "static"), collection(tmp_path / "ws")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(BadSetting, match="in one process"):
        sweep(store, named, "toy", Grid({"seed": [1]}))
    assert not store.students.exists() or not list(store.students.iterdir())
