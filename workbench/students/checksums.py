"""Checksums of a student's files: taken when it is saved, compared before it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any

# In a recipe: the SHA-256 of each file of the model by its path in the folder. They guard against damage, not against
# whoever can write the folder, who could write them too.
CHECKSUMS = "checksums"


def checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder."""
    return {name: _sha256(file) for name, file in sorted(_files(folder).items())}


def changed_files(folder: Path, recipe: Mapping[str, Any]) -> list[str]:
    """Return the files that are missing, or no longer what they were when the student was saved.

    Nothing is known of a student without checksums, such as one that an earlier version saved.
    """
    saved = recipe.get(CHECKSUMS)
    if not isinstance(saved, Mapping):
        return []
    files = _files(folder)  # names come from the recipe: only those that are in the folder are read
    return [name for name, checksum in saved.items() if name not in files or _sha256(files[name]) != checksum]


def _files(folder: Path) -> dict[str, Path]:
    return {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
