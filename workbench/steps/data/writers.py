"""What can be exported, kind by kind: which rows of the workspace each file holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import BadSetting, NothingToDo
from workbench.formats import write_qrels, write_run
from workbench.formats.cases import CASES
from workbench.formats.distillation import TrainingExample, flagembedding, listwise, pairs, triplets
from workbench.formats.huggingface import Card, write_dataset
from workbench.formats.labelling import Task, argilla, labelstudio
from workbench.formats.quepid import write_quepid
from workbench.steps.data.training_rows import ExportSettings, every_split, training_examples
from workbench.store import Store, views

TABLES = (".jsonl", ".csv", ".parquet")
SETS = (".jsonl", ".parquet")
LICENCE = "The texts keep the licence of the collection they came from; check it before passing them on."
Counts = dict[str, int]


class Outlet(NamedTuple):
    """One kind of file: who writes it, which settings it obeys, its usual split and endings, and what it is."""

    write: Callable[[Store, Path, ExportSettings], Counts]
    settings: tuple[str, ...]
    split: str
    endings: tuple[str, ...]
    says: str


def licence_note(settings: ExportSettings) -> str:
    """Return what a manifest and a card say of the licence."""
    return f"Source data: {settings.licence}. {LICENCE}" if settings.licence else LICENCE


def write_rows(rows: Iterable[dict[str, Any]], path: Path) -> int:
    """Write rows in the form that the file's name ends in; return how many there are."""
    listed = list(rows)
    path.write_bytes(CASES[path.suffix.lstrip(".")](listed))
    return len(listed)


def _annotations(store: Store, path: Path, settings: ExportSettings) -> Counts:
    rows = [case._asdict() for case in views.annotated(store, latest=not settings.history)]
    if not rows:
        raise NothingToDo("Nothing is annotated yet.", "Judge some hard cases on the Annotate page first.")
    return {"rows": write_rows(rows, path)}


def _utilities(store: Store, path: Path, settings: ExportSettings) -> Counts:
    asked = {query.query_id for query in views.queries(store, settings.split or None)}
    said = [row for row in views.utilities(store, settings.teacher) if row.query_id in asked]
    unit = views.teacher_unit(store, settings.teacher)
    rows = [row._asdict() | {"unit": unit, "answers": [each._asdict() for each in row.answers]} for row in said]
    return {"rows": write_rows(rows, path), "queries": len({row.query_id for row in said})}


def _run(store: Store, path: Path, settings: ExportSettings) -> Counts:
    run = views.find_run(store, settings.student, settings.split)
    hits = [(q, passage, value) for q, ranked in views.rankings(store, run).items() for passage, value in ranked]
    write_run(run.student, hits, path)
    return {"rows": len(hits)}


def _qrels(store: Store, path: Path, settings: ExportSettings) -> Counts:
    qrels = views.qrels(store, settings.split)
    write_qrels(qrels, path)
    return {"rows": len(qrels)}


def _quepid(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write ratings; queries that share a text would be one in Quepid, so they are left out, and counted."""
    texts = {query.query_id: query.text for query in views.queries(store, settings.split)}
    shared = Counter(texts.values())
    qrels = views.qrels(store, settings.split)
    told = [qrel for qrel in qrels if shared[texts[qrel.query_id]] == 1]
    rows = write_quepid(told, texts, path)
    return {"rows": rows, "left_out_because_queries_share_a_text": len(qrels) - rows}


def _set(
    rows_of: Callable[[TrainingExample, ExportSettings], Iterator[dict[str, Any]]],
) -> Callable[[Store, Path, ExportSettings], Counts]:
    """Return what writes a training file of one form: the rows of each query, one after the other."""

    def write(store: Store, path: Path, settings: ExportSettings) -> Counts:
        found = training_examples(store, settings)
        by_query = [list(rows_of(example, settings)) for example in found.examples]
        rows = [row for of_query in by_query for row in of_query]
        if not rows:
            raise NothingToDo(
                "No query gives a row of this form.",
                "Look at the page Utility, then set `useful`, `margin`, `passages`.",
            )
        given = sum(bool(of_query) for of_query in by_query)
        counts = {"queries": given, "queries_left_out": len(by_query) - given, **found.counts}
        return {"rows": write_rows(rows, path), **counts}

    return write


def _listwise(store: Store, path: Path, settings: ExportSettings) -> Counts:
    """Write lists of one length: as asked, else that of the query with the fewest passages."""
    most = settings.passages or min(len(example.passages) for example in training_examples(store, settings).examples)
    if most < 2:
        raise BadSetting("A list of fewer than two passages teaches nothing.", "Set passages=2 or more.")
    rows = _set(lambda example, _: listwise(example, most, settings.ids))(store, path, settings)
    return {**rows, "passages": most}


def _huggingface(store: Store, path: Path, settings: ExportSettings) -> Counts:
    counts: Counter[str] = Counter()
    splits = {}
    for split in every_split(store, settings):
        found = training_examples(store, replace(settings, split=split))
        splits[split] = [row for example in found.examples for row in pairs(example, settings.passages, ids=True)]
        counts.update({"queries": len(found.examples), **found.counts})
    card = Card(settings.teacher, settings.licence or "unknown", licence_note(settings))
    return {"rows": write_dataset(splits, card, path), **counts}


def _tasks(form: Callable[[Task], dict[str, Any]]) -> Callable[[Store, Path, ExportSettings], Counts]:
    """Return what writes pairs to be judged elsewhere; the suggestion is the teacher's alone."""

    def write(store: Store, path: Path, settings: ExportSettings) -> Counts:
        found = training_examples(store, replace(settings, verdicts=False)).examples
        tasks = [
            form(Task(example.query, passage, settings.teacher, value, helps))
            for example in found
            for passage, value, helps in zip(example.passages, example.values, example.helps, strict=True)
        ]
        said = json.dumps(tasks, indent=1, ensure_ascii=False)
        path.write_text(f"{said}\n", encoding="utf-8")
        return {"rows": len(tasks), "queries": len(found)}

    return write


_LESSONS = ("teacher", "split", "verdicts", "useful", "passages", "licence")
_TASKS = ("teacher", "split", "useful", "licence")

EXPORTS: dict[str, Outlet] = {
    "annotations": Outlet(
        _annotations, ("history",), "", TABLES,
        "verdicts with query, passage, utilities and ranks (.jsonl .csv .parquet)",
    ),
    "run": Outlet(_run, ("student", "split"), "test", (), "a student's rankings, for any TREC tool"),
    "qrels": Outlet(_qrels, ("split",), "test", (), "the qrels of a split, for any TREC tool"),
    "triplets": Outlet(
        _set(lambda example, chosen: triplets(example, chosen.passages, chosen.margin)), (*_LESSONS, "margin"),
        "train", SETS, "query, positive, negative, for sentence-transformers (.jsonl .parquet)",
    ),
    "pairs": Outlet(
        _set(lambda example, chosen: pairs(example, chosen.passages, chosen.ids)), (*_LESSONS, "ids"),
        "train", SETS, "query, passage, score, for sentence-transformers (.jsonl .parquet)",
    ),
    "listwise": Outlet(
        _listwise, (*_LESSONS, "ids"),
        "train", SETS, "query, passage_1 to passage_K, scores, for sentence-transformers (.jsonl .parquet)",
    ),
    "flagembedding": Outlet(
        _set(lambda example, chosen: flagembedding(example, chosen.passages)), _LESSONS,
        "train", (".jsonl",), "query, pos, neg and their scores, for FlagEmbedding (.jsonl)",
    ),
    "quepid": Outlet(_quepid, ("split",), "test", (".csv",), "the qrels as Quepid's ratings (.csv)"),
    "huggingface": Outlet(
        _huggingface, _LESSONS, "", (), "a folder that `datasets.load_dataset` opens, with a card; all splits"
    ),
    "argilla": Outlet(_tasks(argilla), _TASKS, "test", (".json",), "pairs to judge in Argilla (.json)"),
    "labelstudio": Outlet(_tasks(labelstudio), _TASKS, "test", (".json",), "pairs to judge in Label Studio (.json)"),
    "utilities": Outlet(
        _utilities, ("teacher", "split"), "", TABLES,
        "a teacher's utilities with the likelihoods behind them (.jsonl .csv .parquet)",
    ),
}  # fmt: skip
