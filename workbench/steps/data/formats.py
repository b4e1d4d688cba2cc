"""The table of formats: what each kind of file is, how it is read and how it is written, where it can be.

A format is added here alone, once a module of `workbench.formats` knows its files. What `ingest` and `export` take, the
shell's help, and what the page docs/exports.md must have a line for, are made from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.formats import Collection
from workbench.formats.distillation import flagembedding, pairs, triplets
from workbench.formats.labelling import argilla, labelstudio
from workbench.formats.recognition import (
    FileHead,
    Recognition,
    has_columns,
    has_files,
    has_only_columns,
    is_json_with,
    is_qrels,
    is_run,
)
from workbench.formats.writing import columns
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
    any, if there are none. `recognises` tells from the beginning of a file whether it is probably of this format.
    `read_parts` reads files that are too large to be held at once, in parts of so many characters.
    """

    about: str
    read: Callable[[Source], Contents] | None = None
    write: Callable[[Store, Path, ExportSettings], Counts] | None = None
    settings: tuple[str, ...] = ()
    split: str = ""
    endings: tuple[str, ...] = ()
    recognises: Recognition | None = None
    read_parts: Callable[[Source, int], Iterator[Collection]] | None = None


def _is_pairs(head: FileHead) -> bool:
    """Tell whether a table holds pairs with a score; one with relevance or answers is a collection."""
    score = {"score", "label"} & set(head.columns)
    texts = [name for name in (("query", "passage"), ("sentence1", "sentence2")) if set(name) <= set(head.columns)]
    others = ("query_id", "passage_id", "score", "label")
    return bool(score and texts) and has_only_columns(texts[0], others)(head)


FORMATS: dict[str, Format] = {
    "beir": Format(
        "a folder with corpus.jsonl, queries.jsonl and qrels/*.tsv", readers.beir, writers.beir,
        recognises=has_files("corpus.jsonl", "queries.jsonl"), read_parts=readers.parts_of_beir,
    ),
    "table": Format(
        "queries and passages in rows (.jsonl .csv .tsv .parquet)", readers.table,
        recognises=lambda head: bool(head.columns), read_parts=readers.parts_of_table,
    ),
    "qrels": Format(
        "the qrels of a split, for any TREC tool", readers.qrels, writers.qrels, ("split",), "test",
        recognises=is_qrels,
    ),
    "run": Format(
        "a student's rankings, for any TREC tool", readers.runs, writers.run, ("student", "split"), "test",
        recognises=is_run,
    ),
    "annotations": Format(
        "verdicts with query, passage, utilities and ranks (.jsonl .csv .parquet)",
        readers.verdicts, writers.verdicts, ("history",), "", TABLES, has_columns("query_id", "passage_id", "verdict"),
    ),
    "utilities": Format(
        "a teacher's utilities with the likelihoods behind them (.jsonl .csv .parquet)",
        readers.utilities, writers.utilities, ("teacher", "split"), "", TABLES,
        has_columns("query_id", "passage_id", "value"),
    ),
    "triplets": Format(
        "query, positive, negative, for sentence-transformers (.jsonl .parquet)", None,
        writers.training_file(
            lambda example, chosen: triplets(example, chosen.passages, chosen.margin), lambda _: columns.TRIPLETS
        ),
        (*_TRAINING, "margin"), "train", (".jsonl", ".parquet"),
    ),
    "pairs": Format(
        "query, passage, score, for sentence-transformers (.jsonl .parquet)", readers.training_rows,
        writers.training_file(
            lambda example, chosen: pairs(example, chosen.passages, chosen.ids),
            lambda chosen: columns.pair_columns(ids=chosen.ids),
        ),
        (*_TRAINING, "ids"), "train", (".jsonl", ".parquet"), _is_pairs,
    ),
    "listwise": Format(
        "query, passage_1 to passage_K, scores, for sentence-transformers (.jsonl .parquet)",
        readers.training_rows, writers.lists, (*_TRAINING, "ids"), "train", (".jsonl", ".parquet"),
        has_columns("query", "passage_1", "scores"),
    ),
    "flagembedding": Format(
        "query, pos, neg and their scores, for FlagEmbedding (.jsonl)", readers.training_rows,
        writers.training_file(
            lambda example, chosen: flagembedding(example, chosen.passages), lambda _: columns.FLAGEMBEDDING
        ),
        _TRAINING, "train", (".jsonl",), has_columns("query", "pos", "neg"),
    ),
    "huggingface": Format(
        "a folder that `datasets.load_dataset` opens, with a card; all splits",
        readers.training_rows, writers.dataset, _TRAINING,
        recognises=lambda head: any(name.startswith("data/") and name.endswith(".parquet") for name in head.names),
    ),
    "quepid": Format(
        "the qrels as Quepid's ratings (.csv)", readers.quepid, writers.quepid, ("split",), "test", (".csv",),
        has_columns("query", "docid", "rating"),
    ),
    "argilla": Format(
        "pairs to judge in Argilla (.json)", readers.labelled("argilla"), writers.tasks(argilla),
        _TASKS, "test", (".json",), is_json_with("fields", "responses"),
    ),
    "labelstudio": Format(
        "pairs to judge in Label Studio (.json)", readers.labelled("labelstudio"), writers.tasks(labelstudio),
        _TASKS, "test", (".json",), is_json_with("data", "annotations"),
    ),
}  # fmt: skip


def recognised(head: FileHead) -> str:
    """Return the name of the format that a file or folder probably has; "" if it looks like none.

    A table is what no other format claims, since its columns can be of any name.
    """
    claims = [name for name, form in readable().items() if form.recognises and form.recognises(head)]
    return next((name for name in claims if name != "table"), claims[0] if claims else "")


def readable() -> dict[str, Format]:
    """Return the formats that can be ingested, by name."""
    return {name: form for name, form in FORMATS.items() if form.read}


def writable() -> dict[str, Format]:
    """Return the formats that can be exported, by name."""
    return {name: form for name, form in FORMATS.items() if form.write}
