"""Whose vectors of passages are a student's too: noted by the workspace that trained it, under computed fingerprints.

A recipe claims as much, but it may come from anywhere; what it claims names no file here.
"""

from __future__ import annotations

import re
from pathlib import Path

from workbench import files

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


def note_index(cache: Path, student: str, index: str) -> None:
    """Note in a folder of vectors that a student, by its fingerprint, encodes passages as the model of another does."""
    files.write_text(_file(cache, student), index)


def noted_index(cache: Path, student: str) -> str:
    """Return the fingerprint whose vectors of passages are a student's: its own, if nothing is noted."""
    try:
        index = _file(cache, student).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return student
    return index if _FINGERPRINT.fullmatch(index) else student


def _file(cache: Path, student: str) -> Path:
    return cache / f"{student}.index"
