"""Export: hand over what was learned as files other programs read, each with a manifest of where it came from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workbench.errors import BadSetting, NothingToDo, UnknownName, WorkbenchError
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
    filters = {"student": student, "split": split} if kind == "run" else {"split": split} if kind == "qrels" else {}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return _written(store, Exported(kind, str(target), f"{target}.manifest.json", 0, filters))
    except OSError as trouble:
        raise WorkbenchError(
            f"{target} cannot be written: {trouble.strerror}.", "Name a file in a folder that you can write to."
        ) from trouble


def _written(store: Store, asked: Exported) -> Exported:
    """Write both files in a folder of their own, then move them to their places."""
    target, manifest = Path(asked.path), Path(asked.manifest)
    with TemporaryDirectory(prefix=".export-", dir=target.parent) as folder:
        drafts = Path(folder)
        made = replace(asked, rows=EXPORTS[asked.kind](store, drafts / target.name, asked.filters))
        said = json.dumps(_manifest(store, made), indent=2, ensure_ascii=False)
        (drafts / manifest.name).write_text(f"{said}\n", encoding="utf-8")
        for place in (target, manifest):
            (drafts / place.name).replace(place)
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
