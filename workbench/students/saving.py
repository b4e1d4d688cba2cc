"""Saving a student: its folder appears whole, with its recipe and its model card, or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import Conflict
from workbench.students import architectures, model_card
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
    """Write a student's folder in one go, its model card too, and return the student with its full recipe.

    Name, base, architecture, library versions and, unless the recipe has it, the time of creation are added to the
    recipe. The card says that and what `about` knows. The files in `keep`, such as history.jsonl, are copied along.
    The folder appears complete or not at all.
    Raises Conflict if something is there already; with `overwrite` only if that is not a student of this name.
    """
    _must_be_free(student, overwrite)
    recipe = {"created": datetime.now(UTC).isoformat(timespec="microseconds"), **student.recipe}
    recipe |= {"name": student.name, "base": student.base, "architecture": architectures.of(model).name}
    recipe |= {"versions": {name: version(name) for name in LIBRARIES}}
    student.path.parent.mkdir(parents=True, exist_ok=True)
    # A dot in front, so that what an interrupted save leaves behind is never taken for a student.
    draft = Path(tempfile.mkdtemp(prefix=f".{student.path.name}-", dir=student.path.parent))
    try:
        model.save_pretrained(str(draft), create_model_card=False)
        before = student.path / model_card.CARD
        for file in [*keep, *([before] if before.is_file() else [])]:
            shutil.copy2(file, draft / file.name)
        (draft / RECIPE).write_text(json.dumps(recipe, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        model_card.write(replace(student, recipe=recipe), about or model_card.About(), draft)
        draft.chmod(0o755)
        _put(draft, student, overwrite)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return replace(student, recipe=recipe)


def _must_be_free(student: Student, overwrite: bool) -> None:
    if not student.path.exists():
        return
    holder = read(student.path).name if (student.path / RECIPE).is_file() else None
    if holder != student.name:
        what = f"the student {holder!r}" if holder else "something that is no student"
        raise Conflict(f"{student.path} holds {what}, so {student.name!r} cannot go there.", "Choose another name.")
    if not overwrite:
        raise Conflict(f"There is a student {holder!r} already.", "Choose another name, or ask to overwrite it.")


def _put(draft: Path, student: Student, overwrite: bool) -> None:
    """Move a finished folder to its place; what was there before goes away only once the new one stands."""
    place = student.path
    if not place.exists():
        try:
            draft.rename(place)
        except OSError:
            # Another process may have been a moment faster.
            _must_be_free(student, overwrite)
            raise
        return
    _must_be_free(student, overwrite)
    former = Path(tempfile.mkdtemp(prefix=f".{place.name}-former-", dir=place.parent))
    try:
        place.rename(former / place.name)
        try:
            draft.rename(place)
        except OSError:
            (former / place.name).rename(place)
            raise
    finally:
        shutil.rmtree(former, ignore_errors=True)
