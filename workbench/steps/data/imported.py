"""Imported rows into the workspace: what it holds already stays, and nobody's verdict is edited."""

from __future__ import annotations

from typing import NamedTuple

from workbench.errors import Conflict
from workbench.formats.parsing.lookup import ImportedRows
from workbench.records import Annotation, Utility
from workbench.store import Added, Store, views
from workbench.store.utilities import stored_values
from workbench.store.views.scored.teacher_names import IMPORTED


class ImportCounts(NamedTuple):
    """How many imported rows were written, and how many were there already.

    `added` counts qrels, and with them the utilities that were written in place of others.
    """

    added: Added
    annotations: int
    utilities: int
    unchanged: int


def add_imported(store: Store, rows: ImportedRows, *, replace: bool = False) -> ImportCounts:
    """Write what came back; what the workspace holds already is left alone, and no annotation is edited.

    With `replace`, others take the place of imported utilities; a teacher whose name holds its recipe keeps its own.
    Raises Conflict for another utility or unit that is not to be replaced.
    """
    with (
        store.transaction()
    ):  # what is there is compared in the same transaction: another process may be adding the same
        earlier, annotations = _new_annotations(store, rows)
        utilities, replaced = _new_utilities(store, rows.utilities, replace)
        added = store.add_collection((), (), rows.qrels, replace=replace)
        if earlier:
            store.add_annotations(earlier, earlier=True)
        if annotations:
            store.add_annotations(annotations)
        units = {counted.teacher: counted.unit for counted in views.teachers(store)}
        if named := {name: unit for name, unit in rows.units.items() if unit not in ("unknown", units.get(name))}:
            store.add_units(named, replace=replace)
        if utilities:
            store.add_scored(utilities, replace=replace)
        if rows.candidates:
            store.add_candidates(rows.candidates)
    annotated = len(earlier) + len(annotations)
    unchanged = len(rows.annotations) - annotated + len(rows.utilities) - len(utilities) + added.unchanged
    return ImportCounts(added._replace(replaced=added.replaced + replaced), annotated, len(utilities), unchanged)


def _new_annotations(store: Store, rows: ImportedRows) -> tuple[list[Annotation], list[Annotation]]:
    """Return those that are not there yet: which precede an annotator's last word here by their time, and the others.

    Without a time of their own, those that are not the last word already.
    """
    held = set(views.verdicts(store))
    last = {_stream(annotation): annotation for annotation in views.last_words(store)}
    before_import = dict(last)
    earlier, new = [], []
    for annotation in rows.annotations:
        stream = _stream(annotation)
        word, undated = last.get(stream), annotation.created == rows.moment
        if annotation in held or (undated and word and word._replace(created=annotation.created) == annotation):
            continue
        held.add(annotation)
        if (here := before_import.get(stream)) and annotation.created < here.created:
            earlier.append(annotation)
        else:
            last[stream] = annotation
            new.append(annotation)
    return earlier, new


def _stream(annotation: Annotation) -> tuple[str, str, str, bool]:
    adjudicates = annotation.rule == views.ADJUDICATION
    return annotation.query_id, annotation.passage_id, annotation.annotator, adjudicates


def _new_utilities(store: Store, rows: tuple[Utility, ...], replace: bool) -> tuple[list[Utility], int]:
    """Return those that the workspace does not have, and how many of them take the place of another number.

    Raises Conflict for another number that is not to be replaced, and where the file itself has two.
    """
    with store.read() as connection:
        held = stored_values(connection, rows)
    new: dict[tuple[str, str, str], Utility] = {}
    for row in rows:
        key = (row.query_id, row.passage_id, row.teacher)
        if (twice := new.get(key)) and twice.value != row.value:
            raise _contradicted(row, twice.value, "earlier in the file", "Mend the file.")
        before, imported = held.get(key), row.teacher.startswith(IMPORTED)
        if before is not None and before != row.value and not (replace and imported):
            way = "with --replace, or " if imported else ""
            hint = f"Import it {way}under another name: --teacher {IMPORTED}NAME."
            raise _contradicted(row, before, "before", hint)
        if before != row.value:
            new[key] = row
    return list(new.values()), len(new.keys() & held.keys())


def _contradicted(row: Utility, value: float, where: str, hint: str) -> Conflict:
    return Conflict(
        f"{row.teacher} has given {row.passage_id!r} another utility for {row.query_id!r}: "
        f"{value} {where}, {row.value} in the file.",
        hint,
    )
