"""A digest of all that decides a model's vectors, from the files of its folder."""

from __future__ import annotations

import json
from functools import cache
from hashlib import file_digest, sha256
from pathlib import Path

from workbench.students import RECIPE

# Files of a model folder that describe it and do not change its vectors.
DESCRIPTIONS = {RECIPE, "history.jsonl", "data_config.json", "training_args.bin", "trainer_state.json"}
OTHER_RUNTIMES = {"onnx", "openvino"}


def fingerprint(path: Path) -> str:
    """Return a digest of all files of a model folder that can change its vectors.

    Left out are what describes the model (README, student.json, history), hidden files and other runtimes' weights.
    """
    files = tuple(sorted(file for file in path.rglob("*") if _is_fingerprinted(file, path)))
    return _digest(path, tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files))


def _is_fingerprinted(file: Path, path: Path) -> bool:
    parts = file.relative_to(path).parts
    hidden = any(part.startswith(".") for part in parts)
    describes = file.name in DESCRIPTIONS or file.suffix.lower() == ".md"
    return file.is_file() and not (hidden or describes or OTHER_RUNTIMES & set(parts))


@cache
def _digest(path: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash names and contents; cached by size and time of change, as weights may take seconds to read."""
    digest = sha256()
    for file, _, _ in files:
        with file.open("rb") as stream:
            content = file_digest(stream, "sha256").hexdigest()
        digest.update(json.dumps([file.relative_to(path).as_posix(), content]).encode())
    return digest.hexdigest()[:16]
