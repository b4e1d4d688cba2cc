"""A student on disk: a folder that sentence-transformers opens, with its recipe in student.json."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, BadSetting, Conflict, ModelUnavailable
from workbench.students import architectures

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from workbench.students.model_card import About

RECIPE = "student.json"
# In a recipe: the fingerprint of the model whose vectors of passages are this student's too.
INDEX = "index"
LIBRARIES = ("sentence-transformers", "transformers", "torch")
LONGEST_SLUG = 80
FORMER_KEYS = {"kind": "method", "form": "architecture", "annotated": "label_overrides"}


@dataclass(frozen=True)
class Student:
    """A retriever on disk and how it was made.

    `recipe` is what student.json says: base, teacher, loss, settings, data fingerprint, seed, library versions;
    empty for a model that was not made here. `base` is empty for one that was not trained from another.
    """

    name: str
    path: Path
    base: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict, hash=False)


def slug(name: str) -> str:
    """Return the folder name for a student's name: letters, digits, dots, dashes and underscores only."""
    plain = re.sub(r"[^\w.]+", "-", name).strip("-.")
    if not plain:
        raise BadSetting(f"{name!r} cannot name a student.", "A name holds at least one letter or digit.")
    if len(plain) > LONGEST_SLUG:
        plain = f"{plain[:LONGEST_SLUG]}-{sha256(name.encode()).hexdigest()[:8]}"
    return plain


def is_model(path: Path) -> bool:
    """Tell whether a folder looks like a sentence-transformers model or a transformers encoder."""
    return (path / "modules.json").is_file() or (path / "config.json").is_file()


def read(path: Path) -> Student:
    """Read a student's folder by its student.json; raises BadInput if that file is damaged."""
    file = path / RECIPE
    try:
        recipe = _renamed(json.loads(file.read_text(encoding="utf-8")))
        return Student(str(recipe["name"]), path, str(recipe.get("base", "")), recipe)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "Restore the file from a copy, or remove the folder and train the student again."
        raise BadInput(f"This is not a student's recipe ({error}).", file, hint=hint) from error


def _renamed(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe in today's words, as those of schema 3 and before were written in others."""
    recipe = {FORMER_KEYS.get(key, key): value for key, value in recipe.items()}
    if isinstance(settings := recipe.get("settings"), dict):
        recipe["settings"] = {FORMER_KEYS.get(key, key): value for key, value in settings.items()}
    return recipe


def trained(folder: Path) -> list[Student]:
    """Return every student of a students folder, oldest first; folders without student.json are none."""
    if not folder.is_dir():
        return []
    found = [read(path) for path in folder.iterdir() if not path.name.startswith(".") and (path / RECIPE).is_file()]
    return sorted(found, key=lambda student: (str(student.recipe.get("created", "")), student.name))


def load(student: Student, device: str | None = None) -> SentenceTransformer:
    """Load a student's model in float32, by the class of its architecture; None lets the library choose the device.

    Raises ModelUnavailable if the folder holds no model that can be opened.
    """
    import torch
    from transformers.utils import logging

    if not is_model(student.path):
        raise ModelUnavailable(
            f"The student {student.name!r} has no model in {student.path}: there is no modules.json or config.json.",
            "Train it again, or name another student.",
        )
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        # Layers that a checkpoint lacks, such as a pooler's, are drawn anew; always the same, so that training resumes.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = architectures.opened(student.path, device)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise ModelUnavailable(
            f"The model of {student.name!r} in {student.path} cannot be opened: {error}",
            "It must be a sentence-transformers model or a transformers encoder, with its tokenizer.",
        ) from error
    # Weights published in half precision would otherwise stay so, and half precision is the encoder's decision.
    return model.float()


def save(
    model: SentenceTransformer,
    student: Student,
    keep: Sequence[Path] = (),
    overwrite: bool = False,
    about: About | None = None,
) -> Student:
    """Write a student's folder in one go, its model card too, and return the student with its full recipe.

    Name, base, architecture, library versions and, unless the recipe has it, the time of creation are added to the
    recipe. The card says that and what `about` knows. The files in `keep`, such as history.jsonl, are copied along.
    The folder appears complete or not at all.
    Raises Conflict if something is there already; with `overwrite` only if that is not a student of this name.
    """
    from workbench.students import model_card

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
