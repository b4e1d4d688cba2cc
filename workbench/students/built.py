"""Students that are built from a base: a prefix before the base's name says what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import Conflict
from workbench.students.model_card import origin
from workbench.students.saving import save
from workbench.students.student import RECIPE, Student, read, slug

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def _static(base: Student) -> SentenceTransformer:
    from workbench.students import static

    return static.build(base)


def _sparse(base: Student) -> SentenceTransformer:
    from workbench.students import heads

    return heads.sparse(base)


def _multi(base: Student) -> SentenceTransformer:
    from workbench.students import heads

    return heads.multi_vector(base)


BUILDERS: dict[str, Callable[[Student], SentenceTransformer]] = {"static": _static, "sparse": _sparse, "multi": _multi}


def built(kind: str, base: Student, folder: Path) -> Student:
    """Return the student `<kind>:<base>`, from the students folder or built there once (seconds)."""
    name = f"{kind}:{base.name}"
    path = folder / slug(name)
    if not (path / RECIPE).is_file():
        model = BUILDERS[kind](base)
        try:
            return save(model, Student(name, path, base.name, {"method": kind, "origin": origin(base)}))
        except Conflict:
            # Another process built the same folder meanwhile, or something else lies there: read() tells which.
            pass
    student = read(path)
    if student.name != name:
        raise Conflict(f"{path} holds the student {student.name!r}, so {name!r} cannot be built there.")
    return student
