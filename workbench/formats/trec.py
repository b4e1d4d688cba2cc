"""TREC files: qrels (also in BEIR's spelling) and runs."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from workbench.errors import BadInput, BadSetting
from workbench.formats.parsing.gathering import Collection, Gathering, Problem, Ranking, Unreadable
from workbench.formats.parsing.lines import open_text, write_lines
from workbench.formats.parsing.values import read_id, read_relevance, read_similarity, shown
from workbench.records import Qrel

HEADER = ("query-id", "corpus-id", "score")
_HEADER_STARTS = frozenset({"query-id", "query_id", "queryid", "qid"})
# trec_eval splits where C's isspace says so: a no-break space may stand within an id.
WORD = re.compile(r"[^ \t\n\v\f\r]+")


def read_qrels(path: Path | str) -> Collection:
    """Read qrels, either `query 0 passage relevance` (TREC) or three tab-separated columns (BEIR)."""
    path = Path(path)
    gathering = Gathering()
    for line, text in qrel_lines(path, gathering.problems):
        with gathering.reading(path, line):
            gathering.duplicates += not gathering.keep_qrel(parse_qrel(text))
    return gathering.collection()


def qrel_lines(path: Path, problems: list[Problem]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a qrels file that hold a judgement: neither empty nor a header."""
    for line, text in open_text(path, problems):
        is_header = line == 1 and text.split("\t")[0].strip('" ').lower() in _HEADER_STARTS
        if text.strip() and not is_header:
            yield line, text


def parse_qrel(text: str) -> Qrel:
    """Return the qrel that a line spells in TREC's or BEIR's columns."""
    cells, words = _tabbed(text), WORD.findall(text)
    if len(cells) == 3:
        query_id, passage_id, relevance = cells
    elif len(words) == 4:
        query_id, _, passage_id, relevance = words
    else:
        raise Unreadable("expected `query 0 passage relevance`, or query, passage and relevance separated by tabs")
    return Qrel(read_id(query_id, "query id"), read_id(passage_id, "passage id"), read_relevance(relevance))


def write_qrels(qrels: Iterable[Qrel], path: Path | str) -> None:
    """Write qrels as trec_eval reads them; ids must not hold spaces."""
    write_lines((f"{_word(q.query_id)} 0 {_word(q.passage_id)} {q.relevance}" for q in qrels), Path(path))


def read_run(path: Path | str) -> Ranking:
    """Read a run, `query Q0 passage rank similarity name` a line.

    The rank is not read: as for trec_eval, the similarity says the order.
    """
    path = Path(path)
    gathering = Gathering()
    hits: dict[tuple[str, str], tuple[float, int]] = {}
    name = ""
    for line, text in open_text(path, gathering.problems):
        if not (words := WORD.findall(text)):
            continue
        with gathering.reading(path, line):
            query_id, passage_id, similarity, tag = _hit(words)
            if name and tag != name:
                raise Unreadable(f"the run is named {tag!r} here and {name!r} before; a file holds one run")
            if (pair := (query_id, passage_id)) in hits:
                raise Unreadable(f"passage {passage_id!r} was ranked for query {query_id!r} on line {hits[pair][1]}")
            hits[pair] = (similarity, line)
            name = tag
    if not hits and not gathering.problems:
        raise BadInput("the file is empty, a run was expected.", path)
    return Ranking(
        name, tuple((*pair, similarity) for pair, (similarity, _) in hits.items()), tuple(gathering.problems)
    )


def write_run(name: str, rankings: Iterable[tuple[str, Iterable[tuple[str, float]]]], path: Path | str) -> int:
    """Write (query id, its (passage id, similarity)) as a run; return how many hits there are.

    A query's hits are written best first, equal ones by passage id, last first: that is trec_eval's order. Queries, of
    which each comes once, keep the order they come in, similarities all their digits.
    """
    word, number = _word(name), 0

    def lines() -> Iterator[str]:
        nonlocal number
        for query_id, hits in rankings:
            similarities = _similarities(_word(query_id), hits)
            ordered = sorted(similarities.items(), key=lambda hit: (hit[1], hit[0]), reverse=True)
            for rank, (passage_id, similarity) in enumerate(ordered, start=1):
                yield f"{query_id} Q0 {passage_id} {rank} {similarity!r} {word}"
            number += len(ordered)

    write_lines(lines(), Path(path))
    return number


def _similarities(query_id: str, hits: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return passage id -> similarity; refuse what no run can say."""
    similarities: dict[str, float] = {}
    for passage_id, similarity in hits:
        if _word(passage_id) in similarities:
            raise BadSetting(f"Passage {passage_id!r} is ranked twice for query {query_id!r}.", "A run ranks it once.")
        if not math.isfinite(similarity):
            raise BadSetting(f"The similarity of {query_id!r} and {passage_id!r} is {similarity}, no finite number.")
        similarities[passage_id] = float(similarity)
    return similarities


def _hit(words: list[str]) -> tuple[str, str, float, str]:
    if len(words) != 6:
        raise Unreadable(f"expected `query Q0 passage rank similarity name`, found {len(words)} words")
    return words[0], words[2], read_similarity(words[4]), words[5]


def _tabbed(text: str) -> list[str]:
    """Return tab-separated cells; quoted ones as Python's csv module, and so BEIR's own tools, read them."""
    if '"' in text:
        try:
            return next(csv.reader([text], delimiter="\t", strict=True))
        except csv.Error:  # a quotation mark that is part of the id
            pass
    return text.split("\t")


def _word(name: str) -> str:
    """Return a name that a TREC file can hold, or say why it cannot."""
    if not WORD.fullmatch(name):
        what = "is empty" if not name else "holds a space"
        raise BadSetting(f"The id {shown(name)} {what}, which a TREC file cannot hold.", "Export to another format.")
    if name.startswith("\ufeff"):
        raise BadSetting(f"The id {shown(name)} starts with a byte order mark, which readers of TREC files drop.")
    return name
