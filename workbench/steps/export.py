"""Export: hand over what was learned as files other programs read, each with a manifest of where it came from."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.formats import write_qrels, write_run
from workbench.formats.cases import CASES
from workbench.store import Store, views

LIBRARIES = ("utility-workbench", "duckdb", "sentence-transformers", "torch", "transformers")
LICENCE = "The texts keep the licence of the collection they came from; check it before passing them on."


@dataclass(frozen=True)
class Exported:
    """What was written where; the manifest lies beside it."""

    kind: str
    path: str
    manifest: str
    rows: int
    filters: dict[str, Any] = field(default_factory=dict)


def export(store: Store, kind: str, path: Path | str, *, student: str = "", split: str = "test") -> Exported:
    """Write "annotations" (.jsonl or .csv by the name of the file), a "run" of `student`, or "qrels" (both TREC).

    Nothing is left half-written: a file appears whole, and its manifest after it.
    """
    if kind not in EXPORTS:
        raise UnknownName("export", kind, list(EXPORTS))
    target = Path(path).expanduser()
    target.parent.mkdir(parents=True, exist_ok=True)
    filters = {"student": student, "split": split} if kind == "run" else {"split": split} if kind == "qrels" else {}
    partial = target.with_name(f".{target.name}.{os.getpid()}{target.suffix}")
    try:
        rows = EXPORTS[kind](store, partial, filters)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    manifest = target.with_name(target.name + ".manifest.json")
    made = Exported(kind, str(target), str(manifest), rows, filters)
    manifest.write_text(json.dumps(_manifest(store, made), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return made


def annotated_bytes(store: Store, form: str) -> bytes:
    """Return the annotated cases as one file's content, "jsonl" or "csv"; CSV with a BOM, as spreadsheets want it."""
    text = CASES[form](case._asdict() for case in views.annotated(store))
    return text.encode("utf-8-sig" if form == "csv" else "utf-8")


def _annotations(store: Store, path: Path, _: dict[str, Any]) -> int:
    form = path.suffix.lstrip(".")
    if form not in CASES:
        raise BadSetting(f"Annotations cannot be written as {path.suffix!r}.", "End the name in .jsonl or .csv.")
    found = len(views.verdicts(store, latest=True))
    if not found:
        raise NothingToDo("Nothing is annotated yet.", "Judge some hard cases on the Annotate page first.")
    path.write_bytes(annotated_bytes(store, form))
    return found


def _run(store: Store, path: Path, filters: dict[str, Any]) -> int:
    run = views.find_run(store, filters["student"], filters["split"])
    hits = [(q, passage, value) for q, ranked in views.rankings(store, run).items() for passage, value in ranked]
    write_run(run.student, hits, path)
    return len(hits)


def _qrels(store: Store, path: Path, filters: dict[str, Any]) -> int:
    qrels = views.qrels(store, filters["split"])
    write_qrels(qrels, path)
    return len(qrels)


EXPORTS: dict[str, Callable[[Store, Path, dict[str, Any]], int]] = {
    "annotations": _annotations,
    "run": _run,
    "qrels": _qrels,
}


def _manifest(store: Store, made: Exported) -> dict[str, Any]:
    return {
        **asdict(made),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "collection": views.collection_fingerprint(store),
        "teachers": [found.teacher for found in views.teachers(store)],
        "students": sorted({run.student for run in views.runs(store)}),
        "versions": {name: version(name) for name in LIBRARIES},
        "licence": LICENCE,
    }
