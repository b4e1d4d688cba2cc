"""One list of public names: each is there, each that a user meets is on it, and the documents use no other."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pandas as pd
import pytest

import workbench as wb

# Modules import pandas for type checkers alone: it takes half a second.
LATE = {"pd": pd}
ROOT = Path(__file__).parents[1]
VERBS = [name for name in wb.__all__ if inspect.isfunction(getattr(wb, name))]
# A view's rows are public where the view is: `wb.views.HardCase`.
PUBLIC = {
    value
    for room in (wb, wb.views)
    for value in (getattr(room, name) for name in room.__all__)
    if inspect.isclass(value)
}
FOLDERS = ("workbench/ui", "workbench/report", "pages", "notebooks", "docs")
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".ipynb", ".md"}
    ),
]


def classes(annotation: object, seen: set[type]) -> Iterator[type]:
    """Yield the package's classes that a value of this type is made of, those of its fields included."""
    for argument in typing.get_args(annotation):
        yield from classes(argument, seen)
    if inspect.isclass(annotation) and annotation.__module__.startswith("workbench.") and annotation not in seen:
        seen.add(annotation)
        yield annotation
        for field in typing.get_type_hints(annotation, localns=LATE).values():
            yield from classes(field, seen)


def test_every_public_name_is_there_once() -> None:
    assert len(set(wb.__all__)) == len(wb.__all__) == len(dir(wb))
    for name in wb.__all__:
        assert getattr(wb, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        wb.nothing_of_the_kind  # noqa: B018


@pytest.mark.parametrize("verb", VERBS)
def test_what_a_public_verb_takes_and_returns_is_public(verb: str) -> None:
    hints = typing.get_type_hints(getattr(wb, verb), localns=LATE).values()
    met = {made for hint in hints for made in classes(hint, set()) if not typing.is_typeddict(made)}
    assert {made.__name__ for made in met - PUBLIC} == set()


def test_every_error_that_can_reach_a_user_is_public() -> None:
    def family(error: type[wb.WorkbenchError]) -> Iterator[type]:
        yield error
        for child in error.__subclasses__():
            yield from family(child)

    for module in walk_packages([str(ROOT / "workbench")], "workbench."):
        if module.name != "workbench.__main__" and not module.name.startswith("workbench.dashboard"):
            import_module(module.name)
    assert {error for error in family(wb.WorkbenchError) if error.__module__.startswith("workbench.")} <= PUBLIC


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_shown_to_copy_uses_public_names_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"\bwb\.(\w+)", text)) <= set(wb.__all__)
    for module, wanted in (("views", wb.views), ("plots", wb.plots)):
        assert set(re.findall(rf"\bwb\.{module}\.(\w+)", text)) <= set(wanted.__all__)
    if path.suffix != ".py":
        imported = {name for line in re.findall(r"from workbench import ([\w, ]+)", text) for name in line.split(", ")}
        assert imported <= set(wb.__all__)
        assert not re.search(r"(from|import) workbench\.(?!sample)", text)
