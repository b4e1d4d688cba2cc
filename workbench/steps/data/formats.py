"""The table of formats: what each kind of file is, how it is read and how it is written, where it can be.

A format is added here alone, once a module of `workbench.formats` knows its files. What `ingest` and `export` take, the
shell's help, and what the page docs/exports.md must have a line for, are made from this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.formats.distillation import flagembedding, pairs, triplets
from workbench.formats.labelling import argilla, labelstudio
from workbench.steps.data import readers, writers
from workbench.steps.data.readers import Contents, Source
from workbench.steps.data.training_rows import ExportSettings
from workbench.steps.data.writers import Counts
from workbench.store import Store

TABLES = (".jsonl", ".csv", ".parquet")
_TRAINING = ("teacher", "split", "verdicts", "useful", "passages", "licence")
_TASKS = ("teacher", "split", "useful", "licence")


@dataclass(frozen=True)
class Format:
    """A kind of file; one that cannot be read or not written has None there.

    `settings` are those of an export that it obeys, `split` its usual one, and `endings` those that its name may have;
    any, if there are none.
    """

    about: str
    read: Callable[[Source], Contents] | None = None
    write: Callable[[Store, Path, ExportSettings], Counts] | None = None
    settings: tuple[str, ...] = ()
    split: str = ""
    endings: tuple[str, ...] = ()


FORMATS: dict[str, Format] = {
    "beir": Format("a folder with corpus.jsonl, queries.jsonl and qrels/*.tsv", readers.beir, writers.beir),
    "table": Format("queries and passages in rows (.jsonl .csv .tsv .parquet)", readers.table),
    "qrels": Format(
        "the qrels of a split, for any TREC tool", readers.qrels, writers.qrels, ("split",), "test"
    ),
    "run": Format(
        "a student's rankings, for any TREC tool", readers.runs, writers.run, ("student", "split"), "test"
    ),
    "annotations": Format(
        "verdicts with query, passage, utilities and ranks (.jsonl .csv .parquet)",
        readers.verdicts, writers.verdicts, ("history",), "", TABLES,
    ),
    "utilities": Format(
        "a teacher's utilities with the likelihoods behind them (.jsonl .csv .parquet)",
        readers.utilities, writers.utilities, ("teacher", "split"), "", TABLES,
    ),
    "triplets": Format(
        "query, positive, negative, for sentence-transformers (.jsonl .parquet)", None,
        writers.training_file(lambda example, chosen: triplets(example, chosen.passages, chosen.margin)),
        (*_TRAINING, "margin"), "train", (".jsonl", ".parquet"),
    ),
    "pairs": Format(
        "query, passage, score, for sentence-transformers (.jsonl .parquet)", readers.training_rows,
        writers.training_file(lambda example, chosen: pairs(example, chosen.passages, chosen.ids)),
        (*_TRAINING, "ids"), "train", (".jsonl", ".parquet"),
    ),
    "listwise": Format(
        "query, passage_1 to passage_K, scores, for sentence-transformers (.jsonl .parquet)",
        readers.training_rows, writers.lists, (*_TRAINING, "ids"), "train", (".jsonl", ".parquet"),
    ),
    "flagembedding": Format(
        "query, pos, neg and their scores, for FlagEmbedding (.jsonl)", readers.training_rows,
        writers.training_file(lambda example, chosen: flagembedding(example, chosen.passages)),
        _TRAINING, "train", (".jsonl",),
    ),
    "huggingface": Format(
        "a folder that `datasets.load_dataset` opens, with a card; all splits",
        readers.training_rows, writers.dataset, _TRAINING,
    ),
    "quepid": Format(
        "the qrels as Quepid's ratings (.csv)", readers.quepid, writers.quepid, ("split",), "test", (".csv",)
    ),
    "argilla": Format(
        "pairs to judge in Argilla (.json)", readers.labelled("argilla"), writers.tasks(argilla),
        _TASKS, "test", (".json",),
    ),
    "labelstudio": Format(
        "pairs to judge in Label Studio (.json)", readers.labelled("labelstudio"), writers.tasks(labelstudio),
        _TASKS, "test", (".json",),
    ),
}  # fmt: skip


def readable() -> dict[str, Format]:
    """Return the formats that can be ingested, by name."""
    return {name: form for name, form in FORMATS.items() if form.read}


def writable() -> dict[str, Format]:
    """Return the formats that can be exported, by name."""
    return {name: form for name, form in FORMATS.items() if form.write}
