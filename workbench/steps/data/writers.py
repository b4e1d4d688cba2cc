"""What each format writes: which rows of the workspace a file holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.errors import BadSetting, NothingToDo
from workbench.formats import write_beir, write_qrels, write_run
from workbench.formats.cases import CASES
from workbench.formats.distillation import TrainingExample, listwise, pairs
from workbench.formats.huggingface import Card, write_dataset
from workbench.formats.labelling import Task
from workbench.formats.quepid import write_quepid
from workbench.progress import reporting
from workbench.steps.data.training_rows import ExportSettings, every_split, training_examples
from workbench.store import Store, views

LICENCE = "The texts keep the licence of the collection they came from; check it before passing them on."
Counts = dict[str, int]


def licence_note(settings: ExportSettings) -> str:
    """Return what a manifest and a card say of the licence."""
    return f"Source data: {settings.licence}. {LICENCE}" if settings.licence else LICENCE


def write_rows(rows: Iterable[dict[str, Any]], path: Path) -> int:
    """Write rows in the form that the file's name ends in; return how many there are."""
    listed = list(reporting(rows, "collect", "rows", path.name))
    path.write_bytes(CASES[path.suffix.lstrip(".")](listed))
    return len(listed)


def beir(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write the whole collection; a passage that is known by id only is left out, and comes back with its qrels."""
    queries, qrels, counts = views.queries(store, known_by_id=True), views.qrels(store), views.counts(store)
    if not queries and not counts.passages:
        raise NothingToDo("The workspace holds no collection.", "Run `workbench ingest` first.")
    write_beir(queries, views.stream_passages(store), qrels, path)
    return {
        "rows": len(queries) + counts.passages + len(qrels),
        "queries": len(queries),
        "passages": counts.passages,
        "qrels": len(qrels),
        "passages_known_by_id_only_left_out": counts.passages_by_id,
    }


def verdicts(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write verdicts with what they are about."""
    rows = [case._asdict() for case in views.annotated(store, latest=not settings.history)]
    if not rows:
        raise NothingToDo("Nothing is annotated yet.", "Judge some hard cases on the Annotate page first.")
    return {"rows": write_rows(rows, path)}


def utilities(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write a teacher's utilities with their unit and the likelihoods behind them."""
    query_ids = {query.query_id for query in views.queries(store, settings.split or None)}
    unit = views.teacher_unit(store, settings.teacher)
    rows = [
        row._asdict() | {"unit": unit, "answers": [answer._asdict() for answer in row.answers]}
        for row in views.utilities(store, settings.teacher)
        if row.query_id in query_ids
    ]
    return {"rows": write_rows(rows, path), "queries": len({row["query_id"] for row in rows})}


def run(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write a student's run."""
    of_student = views.find_run(store, settings.student, settings.split)
    hits = [
        (query_id, passage_id, similarity)
        for query_id, ranking in views.rankings(store, of_student).items()
        for passage_id, similarity in ranking
    ]
    write_run(of_student.student, hits, path)
    return {"rows": len(hits)}


def qrels(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write the qrels of a split."""
    rows = views.qrels(store, settings.split)
    write_qrels(rows, path)
    return {"rows": len(rows)}


def quepid(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write ratings; queries that share a text would be one in Quepid, so they are left out, as those without one."""
    texts = {query.query_id: query.text for query in views.queries(store, settings.split)}
    shared = Counter(texts.values())
    every = views.qrels(store, settings.split)
    rows = [qrel for qrel in every if qrel.query_id in texts]
    written = write_quepid([qrel for qrel in rows if shared[texts[qrel.query_id]] == 1], texts, path)
    return {
        "rows": written,
        "left_out_because_queries_share_a_text": len(rows) - written,
        "left_out_because_queries_have_no_text": len(every) - len(rows),
    }


def training_file(
    rows_of: Callable[[TrainingExample, ExportSettings], Iterator[dict[str, Any]]],
) -> Callable[[Store, Path, ExportSettings], Counts]:
    """Return what writes a training file of one form: the rows of each query, one after the other."""

    def write(store: Store, path: Path, settings: ExportSettings) -> Counts:
        examples, counts = training_examples(store, settings)
        by_query = [list(rows_of(example, settings)) for example in examples]
        rows = [row for of_query in by_query for row in of_query]
        if not rows:
            raise NothingToDo(
                "No query gives a row of this form.",
                "Look at the page Utility, then set `useful`, `margin`, `passages`.",
            )
        written = sum(bool(of_query) for of_query in by_query)
        queries = {"queries": written, "queries_left_out": len(by_query) - written}
        return {"rows": write_rows(rows, path), **queries, **counts}

    return write


def lists(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write lists of one length: as asked, else that of the query with the fewest passages."""
    most = settings.passages or min(len(example.passages) for example in training_examples(store, settings).examples)
    if most < 2:
        raise BadSetting("A list of fewer than two passages teaches nothing.", "Set passages=2 or more.")
    counts = training_file(lambda example, _: listwise(example, most, settings.ids))(store, path, settings)
    return {**counts, "passages": most}


def dataset(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write a data set's folder: pairs by split, and a card."""
    counts: Counter[str] = Counter()
    splits = {}
    for split in every_split(store, settings):
        examples, effects = training_examples(store, replace(settings, split=split))
        splits[split] = [row for example in examples for row in pairs(example, settings.passages, ids=True)]
        counts.update({"queries": len(examples), **effects})
    card = Card(settings.teacher, settings.licence or "unknown", licence_note(settings))
    return {"rows": write_dataset(splits, card, path), **counts}


def tasks(form: Callable[[Task], dict[str, Any]]) -> Callable[[Store, Path, ExportSettings], Counts]:
    """Return what writes pairs to be judged elsewhere; the suggestion is the teacher's alone."""

    def write(store: Store, path: Path, settings: ExportSettings) -> Counts:
        examples = training_examples(store, replace(settings, verdicts=False)).examples
        rows = [
            form(Task(example.query, passage, settings.teacher, value, helps))
            for example in examples
            for passage, value, helps in zip(example.passages, example.values, example.helps, strict=True)
        ]
        text = json.dumps(rows, indent=1, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")
        return {"rows": len(rows), "queries": len(examples)}

    return write
