"""Projections on disk: Parquet files that say whose they are and of which texts; one that is out of date is none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from workbench import files, students
from workbench.errors import WorkbenchError
from workbench.retrieval.fingerprint import fingerprint
from workbench.store import Store
from workbench.store.views.projected import texts
from workbench.students.student import is_model, slug

FOLDER = "maps"
MOST = 24  # files: those written last
FACTS = b"workbench"  # the key of a file's metadata
SCHEMA = pa.schema({"kind": pa.string(), "id": pa.string(), "x": pa.float32(), "y": pa.float32()})


class Recipe(NamedTuple):
    """Which projection it is: a student on the axes of one, by method and seed."""

    student: str
    axes_of: str
    method: str
    seed: int


class PointBlock(NamedTuple):
    """Some texts of a kind and their points (n, 2)."""

    kind: str
    ids: Sequence[str]
    points: Any


def contents(store: Store, fingerprints: Sequence[str]) -> list[str]:
    """Return what a projection is of: all texts of the workspace, and its models by their fingerprints."""
    return [texts.all_texts_fingerprint(store), *fingerprints]


def find(store: Store, recipe: Recipe, of: Sequence[str] | None = None) -> tuple[Path, dict[str, Any]] | None:
    """Return the file of a projection and its facts, None if there is none of today's content.

    Content is `of`; without, it is the workspace's texts and what is known of the models without fetching any.
    """
    for path in _files(store):
        facts = _facts(path)
        if facts.get("recipe") != list(recipe):
            continue
        known = facts["of"] if of is None else list(of)
        if of is None:
            now = [local_fingerprint(store, name) for name in (recipe.student, recipe.axes_of)]
            known = contents(store, [one or then for one, then in zip(now, facts["of"][1:], strict=True)])
        if known == facts["of"]:
            return path, facts["facts"]
    return None


def state(store: Store, names: Sequence[str]) -> tuple[str | None, ...]:
    """Return what changes when a projection is written or one of these models changes: for caches."""
    return (*(file.name for file in _files(store)), *(local_fingerprint(store, name) for name in names))


def write(store: Store, recipe: Recipe, of: Sequence[str], blocks: Iterable[PointBlock], facts: dict[str, Any]) -> Path:
    """Write a projection, in place of those of its recipe that are out of date; return its file."""
    name = f"{recipe.method}-{sha256(json.dumps([recipe, of]).encode()).hexdigest()[:16]}.parquet"
    path = store.path / FOLDER / name
    note = {FACTS: json.dumps({"recipe": recipe, "of": of, "facts": facts}).encode()}
    with files.aside(path) as draft, pq.ParquetWriter(draft, SCHEMA.with_metadata(note)) as writer:
        for block in blocks:
            columns = [[block.kind] * len(block.ids), block.ids, block.points[:, 0], block.points[:, 1]]
            writer.write_batch(
                pa.record_batch([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)],
                                schema=writer.schema)
            )  # fmt: skip
    outdated = [other for other in _files(store) if other != path and _facts(other).get("recipe") == list(recipe)]
    for file in [*outdated, *_files(store)[MOST:]]:
        file.unlink(missing_ok=True)
    return path


def local_fingerprint(store: Store, name: str) -> str | None:
    """Return the fingerprint of a student of this workspace or of a model folder, None of any other name."""
    folder = Path(name).expanduser()
    with suppress(WorkbenchError, OSError):
        folder = folder if is_model(folder) else store.students / slug(name)
    if not is_model(folder):
        return None
    return fingerprint(students.find(name, store.students).path)


def _files(store: Store) -> list[Path]:
    """Return the projections, those written last first."""
    return sorted(
        (store.path / FOLDER).glob("*.parquet"), key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True
    )


def _facts(path: Path) -> dict[str, Any]:
    """Return what a file says of itself; nothing of one that is damaged, which is written anew."""
    try:
        facts: dict[str, Any] = json.loads((pq.read_schema(path).metadata or {})[FACTS])
    except (OSError, ValueError, KeyError, RuntimeError, pa.ArrowException):
        return {}
    return facts
