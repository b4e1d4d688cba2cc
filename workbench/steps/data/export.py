"""Export: hand over what was learned as files other programs read, each with a manifest of where it came from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workbench import files, students
from workbench.errors import BadSetting, UnknownName, WorkbenchError
from workbench.formats.cases import CASES
from workbench.formats.labelling import LABELLING
from workbench.records import SPLITS
from workbench.steps.data.training_rows import ExportSettings
from workbench.steps.data.writers import EXPORTS, Outlet, licence_note
from workbench.store import Store, views

LIBRARIES = ("utility-workbench", "duckdb", "pyarrow", "sentence-transformers", "torch", "transformers")

__all__ = ["EXPORTS", "ExportSettings", "Exported", "annotated_bytes", "export"]


@dataclass(frozen=True)
class Exported:
    """What was written where; `counts` says what went in and what was left out, the manifest lies beside it."""

    kind: str
    path: str
    manifest: str
    rows: int
    filters: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def export(
    store: Store, kind: str, path: Path | str, settings: ExportSettings | None = None, **chosen: Any
) -> Exported:
    """Write a kind of file, one of `EXPORTS`; `chosen` are single settings by name, such as `teacher="lexical"`.

    Nothing is left half-written: a file appears whole, and its manifest after it.
    """
    if kind not in EXPORTS:
        raise UnknownName("export", kind, list(EXPORTS))
    target, outlet = Path(path).expanduser(), EXPORTS[kind]
    if outlet.endings and target.suffix not in outlet.endings:
        raise BadSetting(
            f"{kind.capitalize()} cannot be written as {target.suffix!r}.",
            f"End the name in {', '.join(outlet.endings)}.",
        )
    asked = _complete(store, kind, _chosen(settings or ExportSettings(), chosen))
    filters = {name: getattr(asked, name) for name in outlet.settings}
    try:
        return _written(store, Exported(kind, str(target), f"{target}.manifest.json", 0, filters), outlet, asked)
    except OSError as trouble:
        raise WorkbenchError(
            f"{target} cannot be written: {trouble.strerror}.", "Name a file in a folder that you can write to."
        ) from trouble


def annotated_bytes(store: Store, form: str) -> bytes:
    """Return the annotated cases as one file's content, "jsonl", "csv" or "parquet"."""
    return CASES[form](case._asdict() for case in views.annotated(store))


def _chosen(settings: ExportSettings, chosen: dict[str, Any]) -> ExportSettings:
    """Return the settings with single ones changed, each of the type it has."""
    known = asdict(ExportSettings())
    for name, value in chosen.items():
        if name not in known:
            raise UnknownName("setting of an export", name, list(known))
        kind = type(known[name])
        whole = kind is float and isinstance(value, int) and not isinstance(value, bool)
        if type(value) is not kind and not whole:
            raise BadSetting(
                f"{name}={value!r} is not of the kind that {name} is.", f"Its usual value: {known[name]!r}."
            )
    return replace(settings, **chosen)


def _complete(store: Store, kind: str, asked: ExportSettings) -> ExportSettings:
    """Return the settings with the kind's own split and the teacher's full name; refuse those of other kinds."""
    outlet, usual = EXPORTS[kind], asdict(ExportSettings())
    # A student or split that a kind has no use for did no harm so far; a setting that would be ignored would.
    strangers = set(usual) - set(outlet.settings) - {"student", "split", "teacher", "licence"}
    if unused := sorted(name for name in strangers if getattr(asked, name) != usual[name]):
        raise BadSetting(
            f"{unused[0]} means nothing to an export of {kind}.", f"It has: {', '.join(outlet.settings) or 'none'}."
        )
    if asked.split not in ("", *SPLITS):
        raise UnknownName("split", asked.split, list(SPLITS))
    if asked.passages < 0:
        raise BadSetting("passages counts passages; it cannot be negative.", "0 takes all.")
    teacher = views.find_teacher(store, asked.teacher or None) if "teacher" in outlet.settings else ""
    return replace(asked, teacher=teacher, split=asked.split or outlet.split)


def _written(store: Store, asked: Exported, outlet: Outlet, settings: ExportSettings) -> Exported:
    """Write both files aside; when neither has failed, they are moved to their places, the manifest last."""
    with files.stream(Path(asked.manifest)) as file, files.aside(Path(asked.path)) as draft:
        counts = outlet.write(store, draft, settings)
        exported = replace(asked, rows=counts["rows"], counts=counts)
        manifest = _manifest(store, exported, settings) | {"sha256": _digests(draft)}
        file.write(f"{json.dumps(manifest, indent=2, ensure_ascii=False)}\n".encode())
    return exported


def _manifest(store: Store, made: Exported, settings: ExportSettings) -> dict[str, Any]:
    trained = {student.name: dict(student.recipe) for student in students.trained(store.students)}
    counted = [one for one in views.teachers(store) if settings.teacher in ("", one.teacher)]
    units = {one.teacher: one.unit for one in counted}
    ranked = sorted({run.student for run in views.runs(store)})
    told = {
        **asdict(made),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "collection": views.collection_fingerprint(store),
        # A teacher's name holds its kind, its model and the fingerprint of everything that changes a number.
        "teachers": list(units),
        "units": units,
        "students": ranked,
        "recipes": {name: trained[name] for name in ranked if name in trained},
        "versions": {name: version(name) for name in LIBRARIES},
        "licence": licence_note(settings),
    }
    return told | ({"labelling": LABELLING} if made.kind == "labelstudio" else {})


def _digests(made: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that was written, by its name within the export."""
    written = sorted(path for path in made.rglob("*") if path.is_file()) if made.is_dir() else [made]
    digests = {}
    for path in written:
        with path.open("rb") as file:
            digests[str(path.relative_to(made.parent))] = file_digest(file, "sha256").hexdigest()
    return digests
