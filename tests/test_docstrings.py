"""Docstrings of the public verbs say what goes in, what comes out and what goes wrong, and their examples run."""

from __future__ import annotations

import doctest
import inspect
import re
import shutil
from pathlib import Path

import pytest

import workbench as wb
from tests.steps.classes import base as untrained
from tests.steps.classes import topics
from tests.workspaces import copy_of

VERBS = [name for name in wb.__all__ if inspect.isfunction(getattr(wb, name))]
SECTIONS = ("Parameters", "Returns", "Raises", "Examples")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def section(verb: str, title: str) -> str:
    """Return what stands under a heading of a verb's docstring, or nothing."""
    text = inspect.getdoc(getattr(wb, verb)) or ""
    written = re.search(rf"^{title}\n-{{{len(title)}}}\n(.*?)(?=^\w+\n---|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return written[1] if written else ""


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return untrained(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory, base: str) -> wb.Store:
    """Return a workspace that has been walked: "toy" has scored it, one student is trained, three are evaluated."""
    store = copy_of(topics, tmp_path_factory.mktemp("walked") / "workspace")
    settings = wb.TrainSettings(steps=4, evaluate_every=2, batch_size=4, learning_rate=0.05)
    wb.train(store, wb.plan(store, base, "toy", settings, name="student"))
    for name in ("bm25", base, "student"):
        wb.evaluate(store, name)
    return store


@pytest.mark.parametrize("title", SECTIONS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_public_verb_says(verb: str, title: str) -> None:
    assert section(verb, title), f"wb.{verb} has no section {title}"


@pytest.mark.parametrize("verb", VERBS)
def test_every_parameter_is_described(verb: str) -> None:
    described = re.findall(r"^\*{0,2}(\w+(?:, \w+)*)(?: :.*)?$", section(verb, "Parameters"), flags=re.MULTILINE)
    names = [name for line in described for name in line.split(", ")]
    assert names == list(inspect.signature(getattr(wb, verb)).parameters)


@pytest.mark.parametrize("verb", VERBS)
def test_what_it_raises_is_public(verb: str) -> None:
    named = re.findall(r"^(\w+)$", section(verb, "Raises"), flags=re.MULTILINE)
    assert named
    assert all(issubclass(getattr(wb, name), wb.WorkbenchError) for name in named)


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_the_examples_run(
    verb: str, walked: wb.Store, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In examples `store` is a small workspace of its own, `base` an untrained student and "student" one made of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "ada")
    store = wb.Store(shutil.copytree(walked.path, tmp_path / "workspace"))
    (example,) = doctest.DocTestFinder(recurse=False).find(
        getattr(wb, verb), verb, globs={"wb": wb, "store": store, "base": base}
    )
    assert example.examples
    output: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=output.append)
    assert not failed, "".join(output)
