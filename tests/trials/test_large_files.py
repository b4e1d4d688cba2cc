"""A million passages and a run of ten million lines are read, and written, in parts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path

from tests.benchmarks.questions import measured
from tests.profiles import ONLY_IN_A_SOAK
from workbench.store import Store, views

PASSAGES, QUERIES, DEPTH, WORDS = 1_000_000, 50_000, 200, 90
MOST_GIGABYTES = 0.9


@ONLY_IN_A_SOAK
def test_large_files_are_ingested_in_less_than_a_gigabyte(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    for kind, path in (("beir", _collection(tmp_path / "beir")), ("run", _run(tmp_path / "large.run"))):
        taken = measured(workspace, ["-m", "workbench", "ingest", kind, str(path)])
        assert not taken.failed
        assert taken.memory < MOST_GIGABYTES, kind
    store = Store(workspace)
    assert views.counts(store)[:3] == (PASSAGES, QUERIES, QUERIES)
    ranked = views.ranked_queries(store, views.find_run(store, "large", "test"))
    assert sum(one.ranked for one in ranked.values()) == QUERIES * DEPTH


def _collection(folder: Path) -> Path:
    """Write passages of 90 words, each a window of one long text, and queries of which each has a relevant one."""
    (folder / "qrels").mkdir(parents=True)
    words = [f"w{number}" for number in random.Random(0).choices(range(5_000), k=100_000 + WORDS)]
    starts = (number * 7_919 % 100_000 for number in range(PASSAGES))
    texts = (" ".join(words[start : start + WORDS]) for start in starts)
    _write(
        folder / "corpus.jsonl",
        (json.dumps({"_id": f"p{number}", "title": "", "text": text}) for number, text in enumerate(texts)),
    )
    _write(
        folder / "queries.jsonl",
        (json.dumps({"_id": f"q{number}", "text": f"Where is {number}?"}) for number in range(QUERIES)),
    )
    _write(folder / "qrels" / "test.tsv", (f"q{number}\tp{number * 7}\t1" for number in range(QUERIES)))
    return folder


def _run(path: Path) -> Path:
    _write(
        path,
        (
            f"q{query} Q0 p{(query * 7_919 + rank * 104_729) % PASSAGES} {rank} {1 - rank / 300:.6f} large"
            for query in range(QUERIES)
            for rank in range(1, DEPTH + 1)
        ),
    )
    return path


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
