"""Saving a student: its folder appears whole, with its recipe and its model card, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import files
from workbench.errors import Conflict
from workbench.students import architectures, model_card
from workbench.students.checksums import CHECKSUMS, checksums
from workbench.students.student import RECIPE, Student, read

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LIBRARIES = ("sentence-transformers", "transformers", "torch")


def save(
    model: SentenceTransformer,
    student: Student,
    keep: Sequence[Path] = (),
    overwrite: bool = False,
    about: model_card.About | None = None,
) -> Student:
    """Write a student's folder with its model card, and return the student with its full recipe.

    Name, base, architecture, library versions, checksums of the model's files and, unless the recipe has it, the time
    of creation are added to the recipe. The card states the recipe and what is in `about`. The files in `keep`, such as
    history.jsonl, are copied along. The folder appears complete or not at all.
    Raises Conflict if something is there already; with `overwrite` only if that is not a student of this name.
    """
    _check_free(student, overwrite)
    recipe = {"created": datetime.now(UTC).isoformat(timespec="microseconds"), **student.recipe}
    recipe |= {"name": student.name, "base": student.base, "architecture": architectures.of(model).name}
    recipe |= {"versions": {name: version(name) for name in LIBRARIES}}
    try:
        with files.folder(student.path, replace=overwrite) as draft:
            model.save_pretrained(str(draft), create_model_card=False)
            saved = replace(student, recipe={**recipe, CHECKSUMS: checksums(draft)})
            card = student.path / model_card.CARD
            for file in [*keep, *([card] if card.is_file() else [])]:
                shutil.copy2(file, draft / file.name)
            files.write_text(draft / RECIPE, json.dumps(saved.recipe, indent=2, ensure_ascii=False) + "\n")
            model_card.write(saved, about or model_card.About(), draft)
            _check_free(student, overwrite)
    except OSError:
        # Another process may have been a moment faster.
        _check_free(student, overwrite)
        raise
    return saved


def _check_free(student: Student, overwrite: bool) -> None:
    """Raise Conflict unless the student's folder is free, or with `overwrite` holds a student of the same name."""
    if not student.path.exists():
        return
    holder = read(student.path).name if (student.path / RECIPE).is_file() else None
    if holder != student.name:
        what = f"the student {holder!r}" if holder else "something that is no student"
        raise Conflict(f"{student.path} holds {what}, so {student.name!r} cannot go there.", "Choose another name.")
    if not overwrite:
        raise Conflict(f"There is a student {holder!r} already.", "Choose another name, or ask to overwrite it.")
