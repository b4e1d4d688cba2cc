"""Managing students: what depends on one, a name of one's own, a note and tags, and its removal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

from workbench import files, students
from workbench.errors import BadSetting, Conflict, UnknownName
from workbench.results import Result, counted
from workbench.steps.compare.model_card import about
from workbench.steps.teach.train import work_folder
from workbench.store import Store
from workbench.store.student_rows import remove_rows, rename_rows, student_rows
from workbench.students import BM25, Student, model_card


@dataclass(frozen=True)
class Dependents(Result):
    """What depends on a student: those trained from it, its runs, and the candidates that it proposed."""

    columns: ClassVar = {"kind": "student or run", "name": "what depends on it"}

    student: str
    students: tuple[str, ...]
    runs: tuple[str, ...]
    candidates: int

    @property
    def in_words(self) -> str:
        """Return what goes with the student, and what stays without it, in sentences."""
        sentences = ["It has no runs."]
        if self.runs:
            sentences = [f"{counted(len(self.runs), 'run')} would go with it: {', '.join(self.runs)}."]
        if self.students:
            sentences.append(f"Trained from it, and without a base to be compared with: {', '.join(self.students)}.")
        if self.candidates:
            sentences.append(
                f"{counted(self.candidates, 'candidate')} that it proposed would stay, with their utilities."
            )
        return " ".join(sentences)

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each student and each run."""
        return [*(("student", name) for name in self.students), *(("run", name) for name in self.runs)]


def dependents(store: Store, student: str) -> Dependents:
    """Return what depends on a student that was trained in this workspace.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        Its name.

    Returns
    -------
    Dependents
        The students trained from it, its runs, and how many candidates it has proposed.

    Raises
    ------
    UnknownName
        If no student of this name was trained here.

    Examples
    --------
    >>> wb.dependents(store, "student").runs
    ('student@test',)
    """
    chosen = _trained_here(store, student)
    rows = student_rows(store, chosen.name)
    based = tuple(other.name for other in students.trained(store.students) if other.base == chosen.name)
    return Dependents(chosen.name, based, rows.runs, rows.candidates)


def rename_student(store: Store, student: str, name: str) -> Student:
    """Give a student another name: its folder, its runs, and what students trained from it call their base.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        Its name.
    name : str
        The new one, which must be free.

    Returns
    -------
    Student
        The student under its new name.

    Raises
    ------
    UnknownName
        If no student of this name was trained here.
    Conflict
        If there is a student or a run of the new name.
    BadSetting
        If this cannot name a student.

    Examples
    --------
    >>> wb.rename_student(store, "student", "my student").name
    'my student'
    >>> [run.student for run in wb.views.runs(store, "test") if run.student.startswith("my")]
    ['my student']
    """
    chosen, new = _trained_here(store, student), name.strip()
    place = store.students / students.slug(new)
    if new == BM25 or new.startswith("rerank:") or "/" in new:
        raise BadSetting(f"{name!r} cannot name a student.", "Take another one, without a slash.")
    if place.exists() or student_rows(store, new).runs or work_folder(store, new).exists():
        raise Conflict(f"There is a student or a run named {new!r} already.", "Choose another name.")
    based = [other for other in students.trained(store.students) if other.base == chosen.name]

    def move() -> None:
        _write_recipe(chosen.path, {**chosen.recipe, "name": new})
        chosen.path.rename(place)

    rename_rows(store, chosen.name, new, move)
    for other in based:
        _write_recipe(other.path, {**other.recipe, "base": new})
    renamed = students.read(place)
    model_card.write(renamed, about(store, renamed))
    return renamed


def delete_student(store: Store, student: str) -> Dependents:
    """Remove a student's folder and its runs; the candidates it proposed and their utilities stay.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        Its name.

    Returns
    -------
    Dependents
        What depended on it.

    Raises
    ------
    UnknownName
        If no student of this name was trained here.

    Examples
    --------
    >>> wb.delete_student(store, "student").runs
    ('student@test',)
    >>> "student" in [run.student for run in wb.views.runs(store)]
    False
    """
    lost, chosen = dependents(store, student), _trained_here(store, student)
    # Aside first: a folder that is half removed would still be a student.
    aside = Path(mkdtemp(prefix=".deleted-", dir=store.students))
    chosen.path.rename(aside / chosen.path.name)
    remove_rows(store, chosen.name)
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(work_folder(store, chosen.name), ignore_errors=True)
    return lost


def describe_student(store: Store, student: str, note: str | None = None, tags: Sequence[str] | None = None) -> Student:
    """Write a note and tags beside a student's recipe; they change nothing else.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        Its name.
    note : str, optional
        What a person has to say of it; "" removes the note. Unless given, it stays as it is.
    tags : sequence of str, optional
        Words to find it by, in place of those it has. Unless given, they stay as they are.

    Returns
    -------
    Student
        The student with its note and tags in its recipe.

    Raises
    ------
    UnknownName
        If no student of this name was trained here.

    Examples
    --------
    >>> wb.describe_student(store, "student", "the one we ship", ["candidate"]).recipe["note"]
    'the one we ship'
    """
    chosen = _trained_here(store, student)
    recipe = dict(chosen.recipe)
    if note is not None:
        recipe["note"] = note.strip()
    if tags is not None:
        recipe["tags"] = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    _write_recipe(chosen.path, recipe)
    return replace(chosen, recipe=recipe)


def _trained_here(store: Store, name: str) -> Student:
    known = {student.name: student for student in students.trained(store.students)}
    if name not in known:
        raise UnknownName("student that was trained here", name, list(known))
    return known[name]


def _write_recipe(folder: Path, recipe: Mapping[str, Any]) -> None:
    files.write_text(folder / students.RECIPE, json.dumps(recipe, indent=2, ensure_ascii=False) + "\n")
