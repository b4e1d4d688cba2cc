"""What each format writes: which rows of the workspace a file holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.errors import BadSetting, Conflict, NothingToDo
from workbench.formats import write_beir, write_qrels, write_run
from workbench.formats.distillation import TrainingExample, listwise, pairs
from workbench.formats.huggingface import Card, write_dataset
from workbench.formats.labelling import Task, write_tasks
from workbench.formats.quepid import write_quepid
from workbench.formats.writing import columns
from workbench.formats.writing.rows import WRITERS
from workbench.progress import reporting
from workbench.steps.data.training_rows import (
    EFFECTS,
    ExportSettings,
    every_split,
    fewest_passages,
    training_parts,
)
from workbench.store import Store, views

if TYPE_CHECKING:
    import pyarrow as pa

LICENCE = "The texts keep the licence of the collection they came from; check it before passing them on."
Counts = Mapping[str, int]
Item = TypeVar("Item")


def licence_note(settings: ExportSettings) -> str:
    """Return what a manifest and a card say of the licence."""
    return f"Source data: {settings.licence}. {LICENCE}" if settings.licence else LICENCE


def write_rows(rows: Iterable[Mapping[str, Any]], table: pa.Schema, path: Path) -> int:
    """Write rows of a table in the form that the file's name ends in; return how many there are."""
    with path.open("wb") as file:
        return WRITERS[path.suffix.lstrip(".")](reporting(rows, "write", "rows", path.name), table, file)


def _counting(rows: Iterable[Item], counts: Counter[str], name: str) -> Iterator[Item]:
    """Yield rows, and count them by a name."""
    for row in rows:
        counts[name] += 1
        yield row


def beir(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write the whole collection; a passage that is known by id only is left out, and comes back with its qrels."""
    held, counts = views.counts(store), Counter[str](queries=0, passages=0, qrels=0)
    if not held.queries and not held.queries_by_id and not held.passages:
        raise NothingToDo("The workspace holds no collection.", "Run `workbench ingest` first.")
    write_beir(
        _counting(views.stream_queries(store), counts, "queries"),
        _counting(views.stream_passages(store), counts, "passages"),
        _counting(views.stream_qrels(store), counts, "qrels"),
        path,
    )
    return {"rows": counts.total(), **counts, "passages_known_by_id_only_left_out": held.passages_by_id}


def verdicts(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write verdicts with what they are about."""
    rows = (case._asdict() for case in views.annotated(store, latest=not settings.history))
    if not (written := write_rows(rows, columns.ANNOTATIONS, path)):
        raise NothingToDo("Nothing is annotated yet.", "Judge some hard cases on the Annotate page first.")
    return {"rows": written}


def utilities(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write a teacher's utilities with their unit and the likelihoods behind them."""
    unit, counts = views.teacher_unit(store, settings.teacher), Counter[str](queries=0)

    def rows() -> Iterator[dict[str, Any]]:
        last = None
        for row in views.stream_utilities(store, settings.teacher, settings.split or None):
            counts["queries"] += row.query_id != last
            last = row.query_id
            yield row._asdict() | {"unit": unit, "answers": [answer._asdict() for answer in row.answers]}

    return {"rows": write_rows(rows(), columns.UTILITIES, path), **counts}


def run(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write a student's run."""
    of_student = views.find_run(store, settings.student, settings.split)
    written = write_run(of_student.student, views.stream_rankings(store, of_student), path)
    if views.find_run(store, settings.student, settings.split) != of_student:
        raise Conflict(
            f"{of_student.student} was evaluated anew while its run was written.", "Export it again: nothing was kept."
        )
    return {"rows": written}


def qrels(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write the qrels of a split."""
    counts = Counter[str](rows=0)
    write_qrels(_counting(views.stream_qrels(store, settings.split), counts, "rows"), path)
    return counts


def quepid(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write ratings; queries that share a text would be one in Quepid, so they are left out, as those without one."""
    left_out = Counter[str](left_out_because_queries_share_a_text=0, left_out_because_queries_have_no_text=0)

    def ratings() -> Iterator[tuple[str, str, int]]:
        for text, passage_id, relevance, shared in views.stream_ratings(store, settings.split):
            if text and not shared:
                yield text, passage_id, relevance
            else:
                left_out[f"left_out_because_queries_{'share_a_text' if text else 'have_no_text'}"] += 1

    return {"rows": write_quepid(ratings(), path), **left_out}


def training_file(
    rows_of: Callable[[TrainingExample, ExportSettings], Iterator[dict[str, Any]]],
    table: Callable[[ExportSettings], pa.Schema],
) -> Callable[[Store, Path, ExportSettings], Counts]:
    """Return what writes a training file of one form: the rows of each query, one after the other."""

    def write(store: Store, path: Path, settings: ExportSettings) -> Counts:
        counts = Counter[str](queries=0, queries_left_out=0)

        def rows() -> Iterator[dict[str, Any]]:
            for example in _examples(store, settings, counts):
                name = "queries_left_out"
                for row in rows_of(example, settings):
                    name = "queries"
                    yield row
                counts[name] += 1

        if not (written := write_rows(rows(), table(settings), path)):
            raise NothingToDo(
                "No query gives a row of this form.",
                "Look at the page Utility, then set `useful`, `margin`, `passages`.",
            )
        return {"rows": written, **counts}

    return write


def _examples(store: Store, settings: ExportSettings, counts: Counter[str]) -> Iterator[TrainingExample]:
    """Yield a split's training examples, and count what verdicts did to them."""
    counts.update(dict.fromkeys(EFFECTS, 0))
    for part in training_parts(store, settings):
        counts.update(part.counts)
        yield from part.examples


def lists(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write lists of one length: as asked, else that of the query with the fewest passages."""
    most = settings.passages or fewest_passages(store, settings)
    if most < 2:
        raise BadSetting("A list of fewer than two passages teaches nothing.", "Set passages=2 or more.")
    write = training_file(
        lambda example, _: listwise(example, most, settings.ids), lambda _: columns.list_columns(most, ids=settings.ids)
    )
    return {**write(store, path, settings), "passages": most}


def dataset(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write a data set's folder: pairs by split, and a card."""
    counts = Counter[str](queries=0)

    def rows(split: str) -> Iterator[dict[str, Any]]:
        for example in _counting(_examples(store, replace(settings, split=split), counts), counts, "queries"):
            yield from pairs(example, settings.passages, ids=True)

    splits = {split: rows(split) for split in every_split(store, settings)}
    card = Card(settings.teacher, settings.licence or "unknown", licence_note(settings))
    return {"rows": write_dataset(splits, columns.pair_columns(ids=True), card, path), **counts}


def tasks(form: Callable[[Task], dict[str, Any]]) -> Callable[[Store, Path, ExportSettings], Counts]:
    """Return what writes pairs to be judged elsewhere; the suggestion is the teacher's alone."""

    def write(store: Store, path: Path, settings: ExportSettings) -> Counts:
        counts = Counter[str](queries=0)
        alone = replace(settings, verdicts=False)
        rows = (
            form(Task(example.query, passage, settings.teacher, value, helps))
            for example in _counting(_examples(store, alone, Counter()), counts, "queries")
            for passage, value, helps in zip(example.passages, example.values, example.helps, strict=True)
        )
        return {"rows": write_tasks(reporting(rows, "write", "rows", path.name), path), **counts}

    return write
