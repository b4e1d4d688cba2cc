"""Vectors that nobody here will ask for: of models that the workspace does not know, or without keys."""

from __future__ import annotations

from pathlib import Path

from workbench import hub, students
from workbench.errors import BadInput, WorkbenchError
from workbench.retrieval.fingerprint import fingerprint
from workbench.retrieval.passage_index import noted_index
from workbench.store import Store, views
from workbench.students.names import FILES

KEYS = ".keys.npy"


def vector_folders(store: Store) -> list[Path]:
    """Return the folders of vectors, each of one model at one precision."""
    return sorted(path for path in store.vectors.glob("*") if path.is_dir() and not path.name.startswith("."))


def without_keys(folder: Path) -> list[Path]:
    """Return the files of vectors that have no keys, as a killed writer leaves them: they do not count."""
    vectors = (file for file in folder.glob("*.npy") if not file.name.endswith(KEYS))
    return [file for file in vectors if not file.with_name(f"{file.stem}{KEYS}").exists()]


def known_fingerprints(store: Store) -> set[str]:
    """Return the fingerprints of the models that this workspace knows: students, their bases, and those of runs."""
    folders = list(students.recipes(store.students))
    own = set(map(fingerprint, folders))
    bases = set()
    for folder in folders:
        try:
            bases.add(str(students.read(folder).recipe.get("base_fingerprint")))
        except BadInput:
            continue
    try:
        names = {run.student for run in views.runs(store) if not run.imported}
    except WorkbenchError:
        names = set()
    of_runs = {fingerprint(folder) for name in names for folder in _local_folders(name)}
    return own | bases | of_runs | {noted_index(store.vectors, one) for one in own}


def _local_folders(name: str) -> list[Path]:
    """Return the folders on this machine that a model's name may stand for; nothing is fetched."""
    path = Path(name).expanduser()
    if path.is_dir():
        return [path]
    names = [hub.MINILM_REPOSITORY, name] if name == hub.MINILM else [name]
    try:
        folders = [hub.cached(one, FILES) for one in names] + ([hub.packaged()] if name == hub.MINILM else [])
    except WorkbenchError:
        return []
    return [folder for folder in folders if folder]
