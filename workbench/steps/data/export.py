"""Export: hand over what was learned as files other programs read, each with a manifest of where it came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from workbench import files, students
from workbench.errors import BadSetting, UnknownName, WorkbenchError
from workbench.formats.labelling import LABELLING
from workbench.formats.writing.columns import ANNOTATIONS
from workbench.formats.writing.rows import file_content
from workbench.records import SPLITS
from workbench.results import Result, counted
from workbench.steps.data.formats import FORMATS, writable
from workbench.steps.data.training_rows import ExportSettings
from workbench.steps.data.writers import licence_note
from workbench.store import Store, views

LIBRARIES = ("utility-workbench", "duckdb", "pyarrow", "sentence-transformers", "torch", "transformers")


@dataclass(frozen=True)
class Exported(Result):
    """What was written where; `counts` says what went in and what was left out, the manifest lies beside it."""

    columns: ClassVar = {"what": "rows, queries, and what verdicts did", "count": "how many"}

    kind: str
    path: str
    manifest: str
    rows: int
    filters: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """Return what was written, and each count that is not 0 on a line of its own."""
        others = {name: count for name, count in self.counts.items() if count and name != "rows"}
        lines = "".join(f"\n{name.replace('_', ' ')}: {count:,}" for name, count in others.items())
        return f"{counted(self.rows, 'row')} in {self.path}, their origin in {self.manifest}{lines}"

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return the counts."""
        return self.counts.items()


def export(
    store: Store, kind: str, path: Path | str, settings: ExportSettings | None = None, **chosen: Any
) -> Exported:
    """Write a file or folder that other programs read, whole or not at all, and its manifest beside it.

    Parameters
    ----------
    store : Store
        The workspace.
    kind : str
        The format, one of those that `workbench export --help` lists, such as "annotations", "triplets" or "run";
        "beir" is the whole collection, as a folder.
    path : Path or str
        The file to write; its ending says the form where a format has several.
    settings : ExportSettings, optional
        What the file takes.
    **chosen : Any
        Single settings by name, such as `teacher="lexical"` or `split="test"`.

    Returns
    -------
    Exported
        How many rows were written, and what was left out.

    Raises
    ------
    UnknownName
        There is no such format, setting, teacher or split.
    BadSetting
        A setting means nothing to this format, or has a value that cannot work.
    NothingToDo
        The workspace holds nothing to write.
    WorkbenchError
        The file cannot be written there.

    Examples
    --------
    >>> wb.export(store, "pairs", "pairs.jsonl", teacher="toy", split="train").counts["queries"]
    8
    """
    if kind not in (formats := writable()):
        raise UnknownName("export", kind, list(formats))
    target, form = Path(path).expanduser(), formats[kind]
    if form.endings and target.suffix not in form.endings:
        raise BadSetting(
            f"{kind.capitalize()} cannot be written as {target.suffix!r}.",
            f"End the name in {', '.join(form.endings)}.",
        )
    complete = _complete(store, kind, _chosen(settings or ExportSettings(), chosen))
    filters = {name: getattr(complete, name) for name in form.settings}
    try:
        return _written(store, Exported(kind, str(target), f"{target}.manifest.json", 0, filters), complete)
    except OSError as trouble:
        raise WorkbenchError(
            f"{target} cannot be written: {trouble.strerror}.", "Name a file in a folder that you can write to."
        ) from trouble


def annotated_bytes(store: Store, form: str) -> bytes:
    """Return the annotated cases as one file's content, "jsonl", "csv" or "parquet"."""
    return file_content((case._asdict() for case in views.annotated(store)), ANNOTATIONS, form)


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


def _complete(store: Store, kind: str, settings: ExportSettings) -> ExportSettings:
    """Return the settings with the format's own split and the teacher's full name; refuse those of other formats."""
    form, usual = FORMATS[kind], asdict(ExportSettings())
    # A student or split that a format has no use for did no harm so far; a setting that would be ignored would.
    foreign = set(usual) - set(form.settings) - {"student", "split", "teacher", "licence"}
    if unused := sorted(name for name in foreign if getattr(settings, name) != usual[name]):
        raise BadSetting(
            f"{unused[0]} means nothing to an export of {kind}.", f"It has: {', '.join(form.settings) or 'none'}."
        )
    if settings.split not in ("", *SPLITS):
        raise UnknownName("split", settings.split, list(SPLITS))
    if settings.passages < 0:
        raise BadSetting("passages counts passages; it cannot be negative.", "0 takes all.")
    teacher = views.find_teacher(store, settings.teacher or None) if "teacher" in form.settings else ""
    return replace(settings, teacher=teacher, split=settings.split or form.split)


def _written(store: Store, planned: Exported, settings: ExportSettings) -> Exported:
    """Write both files aside; when neither has failed, they are moved to their places, the manifest last."""
    write = FORMATS[planned.kind].write
    assert write is not None
    with files.stream(Path(planned.manifest)) as file, files.aside(Path(planned.path)) as draft:
        counts = write(store, draft, settings)
        exported = replace(planned, rows=counts["rows"], counts=dict(counts))
        manifest = _manifest(store, exported, settings) | {"sha256": _digests(draft)}
        file.write(f"{json.dumps(manifest, indent=2, ensure_ascii=False)}\n".encode())
    return exported


def _manifest(store: Store, exported: Exported, settings: ExportSettings) -> dict[str, Any]:
    trained = {student.name: dict(student.recipe) for student in students.trained(store.students)}
    counted = [one for one in views.teachers(store) if settings.teacher in ("", one.teacher)]
    units = {one.teacher: one.unit for one in counted}
    ranked = sorted({run.student for run in views.runs(store)})
    manifest = {
        **asdict(exported),
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
    return manifest | ({"labelling": LABELLING} if exported.kind == "labelstudio" else {})


def _digests(draft: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that was written, by its name within the export."""
    written = sorted(path for path in draft.rglob("*") if path.is_file()) if draft.is_dir() else [draft]
    digests = {}
    for path in written:
        with path.open("rb") as file:
            digests[str(path.relative_to(draft.parent))] = file_digest(file, "sha256").hexdigest()
    return digests
