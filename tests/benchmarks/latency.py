"""One query: a student and faiss over the whole collection, against a likelihood teacher that re-ranks 20 candidates.

    python -m tests.benchmarks.latency [MODEL_FOLDER [TEMPLATE [STUDENT ...]]]

Without a model one is made, with random weights in a small model's shape: speeds hold, utilities mean nothing. Both
answer the same queries, one at a time, in turns, after a warm-up. The passages' vectors are random ones of the right
shape: in use they are made beforehand, and exact search takes as long whatever they hold.
The teacher reads one answer a query, with each candidate and once without any.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import workbench as wb
from tests.benchmarks.machine import description
from tests.benchmarks.teacher import write_model
from workbench import students
from workbench.formats import read_beir
from workbench.records import Group, Query
from workbench.retrieval.bm25 import BM25
from workbench.retrieval.index.approximate import import_faiss
from workbench.retrieval.ranking import Collection

QUERIES, WARM, CANDIDATES, DEPTH = 30, 3, 20, 20
GOAL = 180
STUDENTS = ("static:all-MiniLM-L6-v2", "all-MiniLM-L6-v2")


def searcher(name: str, passages: int, folder: Path) -> Callable[[str], Any]:
    """Return a function from a query's text to its nearest among so many passages."""
    model = students.load(students.find(name, folder), device="cpu")
    settings: dict[str, Any] = {"normalize_embeddings": True, "show_progress_bar": False, "convert_to_numpy": True}
    width = int(model.get_embedding_dimension() or 0)
    vectors = np.random.default_rng(0).standard_normal((passages, width)).astype(np.float32)
    index = import_faiss().IndexFlatIP(width)
    index.add(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return lambda text: index.search(model.encode_query([text], batch_size=1, **settings), DEPTH)


def timed(work: Callable[[], Any]) -> float:
    """Return the milliseconds that the work takes."""
    started = time.perf_counter()
    work()
    return 1_000 * (time.perf_counter() - started)


def main(model: Path, prompts: str, names: list[str]) -> None:
    """Print the median milliseconds of each way, and how many times the students are faster."""
    print(description())
    sample = read_beir(wb.SAMPLE)
    passages = list(sample.passages)
    queries = [query._replace(answers=query.answers[:1]) for query in sample.queries if query.answers][: QUERIES + WARM]
    rows = BM25(Collection.of(passages)).search([query.text for query in queries], CANDIDATES).rows
    groups = [Group(query, tuple(passages[row] for row in some)) for query, some in zip(queries, rows, strict=True)]
    teacher = wb.teacher("likelihood", model=str(model), template=prompts, dtype="float32")
    teacher.prepare(())
    with tempfile.TemporaryDirectory() as place:
        ways = {name: searcher(name, len(passages), Path(place)) for name in names}
        taken = _in_turns(groups, ways, lambda group: list(teacher.utilities([group])))
    print(
        f"data      {len(passages):,} passages searched, {CANDIDATES} candidates re-ranked, {QUERIES} queries, batch 1"
    )
    print(f"teacher   {teacher.name}")
    reference = median(taken["teacher"])
    for name, values in taken.items():
        ratio = f"{reference / median(values):8.0f} times faster" if name != "teacher" else ""
        low, high = np.quantile(values, [0.1, 0.9])
        print(f"{name:<28}{median(values):9.2f} ms  (10 to 90 %: {low:.2f} to {high:.2f}){ratio}")
    reached = reference / median(taken[names[0]])
    print(f"goal      {GOAL} times for {names[0]}: {'reached' if reached >= GOAL else 'missed'} ({reached:.0f})")


def _in_turns(
    groups: list[Group], ways: dict[str, Callable[[str], Any]], rerank: Callable[[Group], Any]
) -> dict[str, list[float]]:
    """Answer each query in every way, so that a busy machine is busy for all of them; the first ones warm up."""
    taken: dict[str, list[float]] = {name: [] for name in (*ways, "teacher")}
    for group in groups:
        query: Query = group.query
        for name, search in ways.items():
            taken[name].append(timed(partial(search, query.text)))
        taken["teacher"].append(timed(partial(rerank, group)))
    return {name: values[WARM:] for name, values in taken.items()}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        folders = [Path(argument) for argument in sys.argv[1:2]] or [write_model(Path(made))]
        main(folders[0], sys.argv[2] if len(sys.argv) > 2 else "plain", sys.argv[3:] or list(STUDENTS))
