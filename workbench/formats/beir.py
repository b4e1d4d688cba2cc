"""BEIR folders: corpus.jsonl, queries.jsonl, qrels/*.tsv, each of them also compressed (.gz)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from workbench import files
from workbench.errors import BadInput, BadSetting
from workbench.formats.parsing.gathering import Collection, Gathering, Unreadable
from workbench.formats.parsing.lines import json_objects, write_lines
from workbench.formats.parsing.values import (
    known_split,
    read_answers,
    read_id,
    read_passage,
    read_split,
    read_tags,
    read_title,
)
from workbench.formats.trec import HEADER, parse_qrel, qrel_lines
from workbench.progress import reporting
from workbench.records import Passage, Qrel, Query

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"


def read_beir(path: Path | str) -> Collection:
    """Read a BEIR folder.

    A query's split is its `metadata.split`, else the qrels file it appears in, else unknown; a query
    in two splits is a problem. Answers are read from `metadata.answers`, tags from `metadata.tags`. Qrels are optional,
    and may name queries and passages that the other files do not hold: of these no more than the id is known, as of a
    row without a text.
    """
    folder, gathering = _beir_folder(path), Gathering()
    corpus = _part(folder, CORPUS)
    for line, row in json_objects(corpus, gathering):
        with gathering.reading(corpus, line):
            gathering.duplicates += not gathering.keep_passage(_passage(row))
    _read_queries(folder, gathering)
    return gathering.collection()


def beir_batches(path: Path | str, characters: int) -> Iterator[Collection]:
    """Yield the passages of a BEIR folder, as many at once as have so many characters, and the queries and qrels last.

    Anything irregular about the passages raises BadInput, which says no more than that: `read_beir` says all there is.
    """
    folder, gathering, held = _beir_folder(path), Gathering(), 0
    corpus = _part(folder, CORPUS)
    for line, row in json_objects(corpus, gathering):
        with gathering.reading(corpus, line):
            passage = _passage(row)
            gathering.duplicates += not gathering.keep_passage(passage)
            held += sum(map(len, passage))
        gathering.must_be_regular()
        if held >= characters:
            yield gathering.hand_on()
            held = 0
    gathering.must_be_regular()
    _read_queries(folder, gathering)
    yield gathering.hand_on()


def _beir_folder(path: Path | str) -> Path:
    folder = Path(path)
    if not folder.is_dir():
        problem = "this is a file, a folder was expected." if folder.exists() else "there is no such folder."
        raise BadInput(problem, folder, hint=f"A BEIR folder holds {CORPUS}, {QUERIES} and {QRELS}/.")
    return folder


def _read_queries(folder: Path, gathering: Gathering) -> None:
    """Keep the queries and qrels of a folder."""
    queries = _part(folder, QUERIES)
    for line, row in json_objects(queries, gathering):
        with gathering.reading(queries, line):
            gathering.duplicates += not gathering.keep_query(_query(row))
    splits = {query_id: (query.split, queries.name) for query_id, query in gathering.queries.items() if query.split}
    for file in sorted(path for path in (folder / QRELS).glob("*") if _stem(path)):
        _read_judgements(file, gathering, splits)
    for query_id, (split, _) in splits.items():
        gathering.queries[query_id] = gathering.queries[query_id]._replace(split=split)


def write_beir(queries: Iterable[Query], passages: Iterable[Passage], qrels: Iterable[Qrel], path: Path | str) -> None:
    """Write a BEIR folder that reads back as the same rows; qrels go to one file a split, `all.tsv` without one."""
    folder = Path(path)
    splits: dict[str, str] = {}

    def query_lines() -> Iterator[str]:
        for query in queries:
            splits[query.query_id] = query.split
            optional = {"split": query.split, "tags": list(query.tags)}
            metadata = {"answers": list(query.answers)} | {name: value for name, value in optional.items() if value}
            yield _json({"_id": query.query_id, "text": query.text, "metadata": metadata})

    write_lines((_json({"_id": p.passage_id, "title": p.title, "text": p.text}) for p in passages), folder / CORPUS)
    write_lines(query_lines(), folder / QUERIES)
    with ExitStack() as opened:
        by_split: dict[str, BinaryIO] = {}
        for qrel in reporting(qrels, "write", "lines", QRELS):
            judgement, split = _judgement(qrel), splits.get(qrel.query_id) or "all"
            if split not in by_split:
                by_split[split] = opened.enter_context(files.stream(folder / QRELS / f"{split}.tsv"))
                by_split[split].write("\t".join(HEADER).encode() + b"\n")
            by_split[split].write(f"{judgement}\n".encode())


def _read_judgements(file: Path, gathering: Gathering, splits: dict[str, tuple[str, str]]) -> None:
    """Keep the qrels of one file and note in `splits` whose split it tells, and that this file told it."""
    here = known_split(_stem(file))
    for line, text in qrel_lines(file, gathering.problems):
        with gathering.reading(file, line):
            qrel = parse_qrel(text)
            split, teller = splits.get(qrel.query_id, (here, file.name))
            if here and split != here:
                raise Unreadable(f"query {qrel.query_id!r} is in split {here} here and in split {split} in {teller}")
            gathering.duplicates += not gathering.keep_qrel(qrel)
            gathering.queries.setdefault(qrel.query_id, Query(qrel.query_id, ""))
            if here:
                splits[qrel.query_id] = (split, teller)


def _passage(row: dict[str, Any]) -> Passage:
    passage_id = read_id(row.get("_id"), "_id")
    return read_passage(passage_id, row.get("title"), row.get("text"))


def _query(row: dict[str, Any]) -> Query:
    metadata = row.get("metadata")
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        raise Unreadable("metadata must be an object")
    query_id, text = read_id(row.get("_id"), "_id"), read_title(row.get("text"), "text")
    answers, split = read_answers(metadata.get("answers")), read_split(metadata.get("split"))
    return Query(query_id, text if text.strip() else "", answers, split, read_tags(metadata.get("tags")))


def _part(folder: Path, name: str) -> Path:
    present = [file for file in (folder / name, folder / f"{name}.gz") if file.is_file()]
    if not present:
        raise BadInput(f"the folder holds no {name} (or {name}.gz).", folder)
    if len(present) > 1:
        raise BadInput(f"the folder holds both {name} and {name}.gz.", folder, hint="Keep the one that counts.")
    return present[0]


def _stem(file: Path) -> str:
    """Return the name of a qrels file without its endings; empty for a file that is none."""
    name = file.name.removesuffix(".gz")
    return name.removesuffix(".tsv") if name.endswith(".tsv") and not name.startswith(".") else ""


def _judgement(qrel: Qrel) -> str:
    for name in (qrel.query_id, qrel.passage_id):
        if not name or "\n" in name or "\r" in name:
            raise BadSetting(f"The id {name!r} is empty or holds a line end, which a BEIR qrels file cannot hold.")
    cells = io.StringIO()
    csv.writer(cells, delimiter="\t", lineterminator="").writerow(qrel)
    return cells.getvalue()


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)
