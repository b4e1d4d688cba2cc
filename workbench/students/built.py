"""Students that are built from a base without training, named by a prefix before the base's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from workbench.errors import Conflict
from workbench.students.model_card import origin
from workbench.students.saving import save
from workbench.students.student import RECIPE, Student, read, slug

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


# By prefix: the function from a base to a model, imported when it is used.
BUILDERS = {
    "static": "workbench.students.static:build",
    "sparse": "workbench.students.heads:sparse",
    "multi": "workbench.students.heads:multi_vector",
}


def built(prefix: str, base: Student, folder: Path) -> Student:
    """Return the student `<prefix>:<base>`, from the students folder or built there once (seconds)."""
    name = f"{prefix}:{base.name}"
    path = folder / slug(name)
    if not (path / RECIPE).is_file():
        build: Callable[[Student], SentenceTransformer] = resolve_name(BUILDERS[prefix])
        model = build(base)
        try:
            return save(model, Student(name, path, base.name, {"method": prefix, "origin": origin(base)}))
        except Conflict:
            # Another process built the same folder meanwhile, or something else lies there: see below.
            pass
    student = read(path)
    if student.name != name:
        raise Conflict(f"{path} holds the student {student.name!r}, so {name!r} cannot be built there.")
    return student
