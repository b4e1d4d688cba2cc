"""A cut of the bundled sample: what every walk from files to files begins with."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from workbench.formats import Collection, read_beir
from workbench.formats.beir import write_beir
from workbench.records import SPLITS
from workbench.sample import SAMPLE

PASSAGES_A_SPLIT = 14


@cache
def small_sample() -> Collection:
    """Return the first passages of each split of the sample with all queries about them."""
    sample = read_beir(SAMPLE)
    split_of = {query.query_id: query.split for query in sample.queries}
    passages: dict[str, set[str]] = {split: set() for split in SPLITS}
    for qrel in sorted(sample.qrels, key=lambda qrel: qrel.passage_id):
        of_split = passages[split_of[qrel.query_id]]
        if len(of_split) < PASSAGES_A_SPLIT:
            of_split.add(qrel.passage_id)
    chosen = set().union(*passages.values())
    qrels = tuple(qrel for qrel in sample.qrels if qrel.passage_id in chosen)
    judged = {qrel.query_id for qrel in qrels}
    return Collection(
        tuple(query for query in sample.queries if query.query_id in judged),
        tuple(passage for passage in sample.passages if passage.passage_id in chosen),
        qrels,
    )


def small_vocabulary() -> list[str]:
    """Return the words of the cut, for a model that knows them and nothing about them."""
    texts = [query.text for query in small_sample().queries]
    texts += [passage.content for passage in small_sample().passages]
    return sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]+", text.lower())})


def write_small_sample(folder: Path) -> Path:
    """Write the cut as a BEIR folder and return that."""
    write_beir(small_sample().queries, small_sample().passages, small_sample().qrels, folder)
    return folder
