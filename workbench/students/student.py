"""A student on disk: a folder that sentence-transformers opens, with its recipe in student.json."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, BadSetting, Damaged, ModelUnavailable
from workbench.hub import without_loading_bars
from workbench.students import architectures
from workbench.students.checksums import changed_files

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

RECIPE = "student.json"
# In a recipe: the fingerprint of the model whose vectors of passages are this student's too. It is for people to read:
# vectors are looked up under what the workspace itself has computed.
INDEX = "index"
# What the entries of a recipe are, where there are any; other entries are shown at most.
RECIPE_TYPES = {
    "name": str, "base": str, "teacher": str, "created": str, "settings": dict, "resolved": dict, "outcome": dict,
    "versions": dict, "data": dict,
}  # fmt: skip
LONGEST_SLUG = 80
# What the recipes of schema 3 and before call a key, and what it is called now.
FORMER_KEYS = {
    "kind": "method", "form": "architecture", "annotated": "label_overrides", "untaught": "without_examples",
}  # fmt: skip


@dataclass(frozen=True)
class Student:
    """A retriever on disk and how it was made.

    `recipe` is what student.json holds: base, teacher, loss, settings, data fingerprint, seed, library versions;
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
        if odd := [key for key, kind in RECIPE_TYPES.items() if key in recipe and not isinstance(recipe[key], kind)]:
            raise ValueError(f"its {odd[0]} is no {RECIPE_TYPES[odd[0]].__name__}")
        return Student(recipe["name"], path, recipe.get("base", ""), recipe)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        hint = "Restore the file from a copy, or remove the folder and train the student again."
        raise BadInput(f"This is not a student's recipe ({error}).", file, hint=hint) from error


def _renamed(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe, and the tables in it, with today's keys."""
    return {
        FORMER_KEYS.get(key, key): _renamed(value) if isinstance(value, dict) else value
        for key, value in recipe.items()
    }


def trained(folder: Path) -> list[Student]:
    """Return every student of a students folder, oldest first; folders without student.json are none.

    One whose recipe is damaged is left out, with the warning Damaged; `read` raises what is wrong with it.
    """
    students = []
    for path in recipes(folder):
        try:
            students.append(read(path))
        except BadInput as error:
            warnings.warn(f"Left out a student: {error.problem}", Damaged, stacklevel=2)
    return sorted(students, key=lambda student: (student.recipe.get("created", ""), student.name))


def recipes(folder: Path) -> list[Path]:
    """Return the folders of a students folder that hold a student.json, readable or not."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if not path.name.startswith(".") and (path / RECIPE).is_file()]


def load(student: Student, device: str | None = None) -> SentenceTransformer:
    """Load a student's model in float32, by the class of its architecture; None lets the library choose the device.

    Raises ModelUnavailable if the folder holds no model that can be opened, or not the one that was saved.
    """
    from pickle import UnpicklingError

    import torch
    from safetensors import SafetensorError

    if not is_model(student.path):
        raise ModelUnavailable(
            f"The student {student.name!r} has no model in {student.path}: there is no modules.json or config.json.",
            "Train it again, or name another student.",
        )
    if damaged := changed_files(student.path, student.recipe):
        raise ModelUnavailable(
            f"The student {student.name!r} is damaged: {student.path / damaged[0]} is not the file that was saved.",
            "Restore the folder from a copy, or remove it and train again; `workbench doctor` looks at all of them.",
        )
    try:
        # Layers that a checkpoint lacks, such as a pooler's, are drawn anew; always the same, so that training resumes.
        with torch.random.fork_rng(devices=[]), without_loading_bars():
            torch.manual_seed(0)
            model = architectures.open_model(student.path, device)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError, UnpicklingError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelUnavailable(
            f"The model of {student.name!r} in {student.path} cannot be opened: {reason}",
            "It must be a sentence-transformers model or a transformers encoder, with its tokenizer.",
        ) from error
    # Weights published in half precision would otherwise stay so, and half precision is the encoder's decision.
    return model.float()
