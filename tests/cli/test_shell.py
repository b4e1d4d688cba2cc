"""What holds for every command: help, exit codes, where it works, and who may stop it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.shell import shell, worked
from tests.steps.classes import ROOT
from workbench.cli.app import COMMANDS, app
from workbench.cli.compare import evaluate
from workbench.store import Store, views
from workbench.teachers import TEACHERS, teacher_settings
from workbench.teachers.prompts import TEMPLATES
from workbench.trainer import TrainSettings

TREE: Any = typer.main.get_command(app)


# --- help


def test_the_program_lists_its_commands_in_walking_order() -> None:
    printed = worked("--help").out
    verbs = ["ingest", "candidates", "score", "train", "evaluate", "diff", "annotate", "export"]
    places = [printed.index(f"│ {verb} ") for verb in ("demo", *verbs)]
    assert sorted(places[1:-1]) == places[1:-1]
    assert " → ".join(verbs) in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_each_of_its_options(name: str) -> None:
    command = TREE.commands[name]
    printed = worked(name, "--help").out
    assert "A value that begins with a dash" in printed
    assert command.help.split(".")[0].split("\n")[0][:40] in printed
    for parameter in command.params:
        assert parameter.help, (name, parameter.name)
        if parameter.param_type_name == "option":
            assert parameter.opts[0] in printed


@pytest.mark.parametrize(
    ("verb", "names"),
    [("train", vars(TrainSettings())), ("sweep", vars(TrainSettings())), ("score", TEMPLATES),
     ("score", [setting.name for kind in TEACHERS for setting in teacher_settings(kind)])],
)  # fmt: skip
def test_help_names_what_an_option_can_be(verb: str, names: Iterable[str]) -> None:
    words = set(re.findall(r"[\w-]+", " ".join(option.help for option in TREE.commands[verb].params)))
    assert set(names) <= words
    assert next(iter(names)) in worked(verb, "--help").out


# --- exit codes


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["diff", "before"], ["candidates", "--depth", "0"], ["info", "--loud"], []]
)
def test_wrong_usage_ends_with_2_and_prints_nothing_to_read(store: Store, arguments: list[str]) -> None:
    printed = shell(*arguments, workspace=store.path)
    assert (printed.code, printed.out) == (2, "")
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        (
            ["diff", "before", "nobody"],
            "There is no run of 'nobody' on the test split",
            "workbench evaluate nobody --split test",
        ),
        (["diff", "before", "after", "--measure", "goodness"], "'goodness' is not a measure", "nDCG@10"),
        (["cases", "after", "--rule", "odd"], "There is no rule 'odd'", "useful but far"),
        (["cases", "after", "--teacher", "nobody"], "There is no teacher named 'nobody'", "Known: toy"),
        (["annotate", "q1", "p/1", "great"], "'great' is not a verdict", "useful, useless, harmful, unsure"),
        (["annotate", "q1", "p/9", "useful"], "There is no passage named 'p/9'", "as it was ingested"),
        (["export", "run", "x"], "A run belongs to a student", "--student NAME"),
        (["export", "annotations", "x.csv"], "Nothing is annotated yet", "Annotate page"),
        (["ingest", "odd", "x"], "There is no format named 'odd'", "beir, table, qrels, run"),
        (["ingest", "beir", "/nowhere"], "/nowhere: there is no such folder", "corpus.jsonl"),
        (["ingest", "table", "x.csv", "--column", "query"], "--column 'query' is not NAME=COLUMN", "query=question"),
        (["score", "--teacher", "nobody"], "There is no teacher named 'nobody'", "lexical"),
        (["score", "--set", "loudness=3"], "has no setting 'loudness'", "smoothing"),
        (["score", "--set", "smoothing"], "--set 'smoothing' is not NAME=VALUE", "Example"),
        (["train", "--set", "loudness=3"], "Training has no setting 'loudness'", "learning_rate"),
        (["train", "--steps", "0"], "steps is 0", "1 or more"),
        (["evaluate", "bm25", "--split", "nowhere"], "No query is of the nowhere split", "There are queries of"),
        (["jobs", "--stop", "nobody"], "There is no job named 'nobody'", "none yet"),
        (["jobs", "--log", "../x"], "There is no job named '../x'", "none yet"),
    ],
)
def test_trouble_is_a_sentence_a_way_out_and_exit_code_1(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], problem: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = shell(*arguments, workspace=store.path)
    assert (printed.code, printed.out) == (1, "")
    (line,) = [line for line in printed.err.splitlines() if line.startswith("Error ")]
    assert problem in line
    assert hint in printed.err.split(line)[1]
    assert "Traceback" not in printed.err


def test_trouble_nobody_foresaw_shows_where_it_happened(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "counts", lambda _: 1 / 0)
    printed = shell("info", workspace=store.path)
    assert (printed.code, printed.out) == (1, "")
    assert "ZeroDivisionError" in printed.err


# --- the workspace


def test_the_workspace_is_the_option_then_the_variable_then_the_folder_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("option", "variable", "workspace"):
        Store(tmp_path / name, create=True)
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(tmp_path / "variable"))
    assert worked("info", workspace="option").err == f"workspace {tmp_path / 'option'}\n"
    assert worked("info").err == f"workspace {tmp_path / 'variable'}\n"
    monkeypatch.setenv("WORKBENCH_WORKSPACE", "")
    assert worked("info").err == f"workspace {tmp_path / 'workspace'}\n"
    monkeypatch.delenv("WORKBENCH_WORKSPACE")
    assert worked("info", "--json").json["workspace"] == str(tmp_path / "workspace")


def test_a_workspace_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    for command in (["info"], ["diff", "a", "b"], ["candidates"], ["score"], ["evaluate", "bm25"], ["train"], ["jobs"]):
        printed = shell(*command, workspace=tmp_path / "nowhere")
        assert (printed.code, printed.out) == (1, ""), command
        assert "There is no workspace in" in printed.err
        assert "workbench demo" in printed.err
    assert not (tmp_path / "nowhere").exists()


# --- ends that come from outside


def test_ctrl_c_ends_with_130_and_a_job_that_says_stopped(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    folder = tmp_path / "job"
    folder.mkdir()
    monkeypatch.setenv("WORKBENCH_JOB", str(folder))
    monkeypatch.setattr(evaluate, "evaluate", interrupted)
    printed = shell("evaluate", "bm25", workspace=store.path)
    assert (printed.code, printed.out) == (130, "")
    assert "Stopped; what was finished is kept." in printed.err
    status = json.loads((folder / "status.json").read_text())
    assert (status["state"], status["message"]) == ("stopped", "Stopped; what was finished is kept.")


@pytest.mark.parametrize(
    ("arguments", "state", "words"), [(["info"], "done", ""), (["diff", "a", "b"], "failed", "There is no run of 'a'")]
)
def test_a_job_keeps_the_last_word(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], state: str, words: str
) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    monkeypatch.setenv("WORKBENCH_JOB", str(folder))
    shell(*arguments, workspace=store.path)
    status = json.loads((folder / "status.json").read_text())
    assert status["state"] == state
    assert status["message"].startswith(words)


def test_the_installed_program_and_the_module_are_the_same(store: Store) -> None:
    command = ["--workspace", str(store.path), "info", "--json"]
    printed = subprocess.run([sys.executable, "-m", "workbench", *command], cwd=ROOT, capture_output=True, check=True)
    assert json.loads(printed.stdout)["counts"]["passages"] == 4
    assert printed.stderr.decode() == f"workspace {store.path}\n"
