"""What comes back: annotations, utilities and ratings from files of our own or of another tool's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import BadSetting, Conflict
from workbench.formats.distillation import read_training
from workbench.formats.huggingface import dataset_files
from workbench.formats.labelling import read_labelled
from workbench.formats.parsing.gathering import Unreadable
from workbench.formats.parsing.lookup import ImportedRows, Lookup
from workbench.formats.quepid import read_quepid
from workbench.formats.rows import read_rows, read_unit
from workbench.records import Annotation, Candidate, Unit, Utility
from workbench.store import Added, Store, views

# Numbers from a file have no recipe that could be checked, so their teacher's name says where they came from.
IMPORTED = "imported:"


class ImportCounts(NamedTuple):
    """How many rows that came back were written, and how many were there already.

    `added` counts qrels, and with them the utilities that were written in place of others.
    """

    added: Added
    annotations: int
    utilities: int
    unchanged: int


@dataclass(frozen=True)
class ImportSettings:
    """Whose the utilities are to be; their unit, and who judged and when, where a file does not say."""

    teacher: str = ""
    unit: Unit = "unknown"
    annotator: str = ""
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))


def read_imported(store: Store, kind: str, path: Path, asked: ImportSettings) -> ImportedRows:
    """Read a file of a kind, one of `IMPORTS`, about the queries and passages of a workspace."""
    known = Lookup(views.queries(store), views.passages(store))
    return IMPORTS[kind](path, known, asked)


def keep_imported(store: Store, taken: ImportedRows, replace: bool) -> ImportCounts:
    """Write what came back; what the workspace holds already is left alone, and no annotation is edited.

    With `replace`, others take the place of imported utilities; a teacher whose name holds its recipe keeps its own.
    """
    new = _new_annotations(store, taken)
    unknown, replaced = _new_utilities(store, taken.utilities, replace)
    added = store.add_collection((), (), taken.qrels, replace=replace)
    if new:
        store.add_annotations(new)
    held = {counted.teacher: counted.unit for counted in views.teachers(store)}
    if units := {name: unit for name, unit in taken.units.items() if unit not in ("unknown", held.get(name))}:
        store.add_units(units, replace=replace)
    if unknown:
        store.add_scored(unknown, replace=replace)
    if taken.candidates:
        store.add_candidates(taken.candidates)
    unchanged = len(taken.annotations) - len(new) + len(taken.utilities) - len(unknown) + added.unchanged
    return ImportCounts(added._replace(replaced=added.replaced + replaced), len(new), len(unknown), unchanged)


def _annotations(path: Path, known: Lookup, asked: ImportSettings) -> ImportedRows:
    defaults = {"note": "", "rule": "", "created": asked.moment}
    named = {"annotator": asked.annotator} if asked.annotator else {}
    found, problems = read_rows(Annotation, path, known, defaults | named)
    return ImportedRows(annotations=found, problems=problems, moment=asked.moment)


def _utilities(path: Path, known: Lookup, asked: ImportSettings) -> ImportedRows:
    named = {"teacher": _imported(asked.teacher)} if asked.teacher else {}
    units: dict[str, Unit] = {}

    def note_unit(row: Utility, cells: Mapping[str, Any]) -> None:
        teacher, unit = named.get("teacher", row.teacher), read_unit(cells.get("unit"))
        before = units.get(teacher, asked.unit)
        if "unknown" not in (unit, before) and unit != before:
            raise Unreadable(f"the utilities of {teacher!r} are in {unit!r} here and in {before!r} before")
        units[teacher] = unit if before == "unknown" else before

    found, problems = read_rows(Utility, path, known, named, note_unit)
    if asked.teacher:
        found = tuple(row._replace(teacher=named["teacher"]) for row in found)
    return ImportedRows(utilities=found, candidates=_asked_about(found), units=units, problems=problems)


def _quepid(path: Path, known: Lookup, asked: ImportSettings) -> ImportedRows:
    """Read ratings as qrels; as annotations if an annotator is named, a rating above 0 being "useful"."""
    qrels, problems = read_quepid(path, known)
    if not asked.annotator:
        return ImportedRows(qrels=qrels, problems=problems)
    said = tuple(
        Annotation(
            query_id=qrel.query_id,
            passage_id=qrel.passage_id,
            annotator=asked.annotator,
            verdict="useful" if qrel.relevance > 0 else "useless",
            note="",
            rule="",
            created=asked.moment,
        )
        for qrel in qrels
    )
    return ImportedRows(annotations=said, problems=problems, moment=asked.moment)


def _labelled(kind: str) -> Callable[[Path, Lookup, ImportSettings], ImportedRows]:
    def read(path: Path, known: Lookup, asked: ImportSettings) -> ImportedRows:
        found, problems = read_labelled(kind, path, known, asked.annotator, asked.moment)
        return ImportedRows(annotations=found, problems=problems, moment=asked.moment)

    return read


def _training(path: Path, known: Lookup, asked: ImportSettings) -> ImportedRows:
    files = dataset_files(path) if path.is_dir() else [path]
    teacher = _imported(asked.teacher)
    found, problems = read_training(files, known, teacher)
    units = {teacher: asked.unit}
    return ImportedRows(utilities=found, candidates=_asked_about(found), units=units, problems=problems)


IMPORTS: dict[str, Callable[[Path, Lookup, ImportSettings], ImportedRows]] = {
    "annotations": _annotations,
    "utilities": _utilities,
    "pairs": _training,
    "listwise": _training,
    "flagembedding": _training,
    "huggingface": _training,
    "quepid": _quepid,
    "argilla": _labelled("argilla"),
    "labelstudio": _labelled("labelstudio"),
}


def _imported(name: str) -> str:
    if not name.removeprefix(IMPORTED):
        raise BadSetting(
            "These scores belong to a teacher that the file does not name.", f"Say whose: --teacher {IMPORTED}NAME."
        )
    return name if name.startswith(IMPORTED) else f"{IMPORTED}{name}"


def _asked_about(utilities: tuple[Utility, ...]) -> tuple[Candidate, ...]:
    """Return the pairs as candidates, for a run keeps the true ranks of those."""
    return tuple(
        Candidate(each.query_id, each.passage_id, each.teacher)
        for each in utilities
        if each.teacher.startswith(IMPORTED)
    )


def _new_annotations(store: Store, taken: ImportedRows) -> list[Annotation]:
    """Return those that nobody has said yet; without a time of their own, those that are not the last word already."""
    held = set(views.verdicts(store))
    last = {_pair(said): said for said in views.verdicts(store, latest=True)}
    new = []
    for said in taken.annotations:
        before = last.get(_pair(said))
        undated = said.created == taken.moment
        if said in held or (undated and before and before._replace(created=said.created) == said):
            continue
        held.add(said)
        last[_pair(said)] = said
        new.append(said)
    return new


def _pair(said: Annotation) -> tuple[str, str, str]:
    return said.query_id, said.passage_id, said.annotator


def _new_utilities(store: Store, found: tuple[Utility, ...], replace: bool) -> tuple[list[Utility], int]:
    """Return those that the workspace does not have, and how many of them read_imported the place of another number.

    Raises Conflict for another number that is not to be replaced, and where the file itself has two.
    """
    held = {
        (row.query_id, row.passage_id, row.teacher): row
        for teacher in {row.teacher for row in found}
        for row in views.utilities(store, teacher)
    }
    new: dict[tuple[str, str, str], Utility] = {}
    for row in found:
        key = (row.query_id, row.passage_id, row.teacher)
        if (twice := new.get(key)) and twice.value != row.value:
            raise _contradicted(row, twice.value, "earlier in the file", "Mend the file.")
        before, imported = held.get(key), row.teacher.startswith(IMPORTED)
        if before and before.value != row.value and not (replace and imported):
            way = "with --replace, or " if imported else ""
            hint = f"Import it {way}under another name: --teacher {IMPORTED}NAME."
            raise _contradicted(row, before.value, "before", hint)
        if not before or before.value != row.value:
            new[key] = row
    return list(new.values()), len(new.keys() & held.keys())


def _contradicted(row: Utility, value: float, where: str, hint: str) -> Conflict:
    return Conflict(
        f"{row.teacher} has given {row.passage_id!r} another utility for {row.query_id!r}: "
        f"{value} {where}, {row.value} in the file.",
        hint,
    )
