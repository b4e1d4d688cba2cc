"""An adapter on 10,000 queries whose vectors are cached: seconds of a training with the default settings.

OMP_WAIT_POLICY=PASSIVE python -m tests.benchmarks.adapter [QUERIES] [PASSAGES]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from tests import tiny
from tests.benchmarks.machine import description
from workbench.evaluation import measures
from workbench.records import Example, Passage, Qrel, Query
from workbench.students import methods
from workbench.students.methods import MethodInputs, TextVectors
from workbench.trainer import BaseFacts, TrainingInputs, TrainSettings, resolve, train

WIDTH = 384  # all-MiniLM-L6-v2's
CANDIDATES = 20
JUDGED = 1_000
TARGET = 10.0  # seconds, on two idle cores


def vectors(number: int, random: np.random.Generator) -> np.ndarray:
    """Return unit vectors (number, WIDTH)."""
    drawn = random.standard_normal((number, WIDTH)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


def main(queries: int, collection: int) -> None:
    """Make queries, passages and utilities, train each adapter on them, and print what it takes."""
    print(description())
    random = np.random.default_rng(13)
    passages = [Passage(f"p{number}", "", f"passage {number}") for number in range(collection)]
    of_passages, of_queries = vectors(collection, random), vectors(queries, random)
    examples = []
    for number in range(queries):
        rows = random.choice(collection, CANDIDATES, replace=False)
        utilities = np.sort(random.exponential(size=CANDIDATES))[::-1].tolist()
        taken = tuple(passages[row] for row in rows)
        known = frozenset(passage.passage_id for passage in taken)
        examples.append(Example(Query(f"q{number}", f"query {number}", (), "train"), taken, tuple(utilities), known))
    texts = [example.query.text for example in examples]
    qrels = [Qrel(example.query.query_id, example.passages[0].passage_id, 1) for example in examples[:JUDGED]]

    def dev_evaluator(model: SentenceTransformer) -> float:
        contents = [passage.content for passage in passages]
        similarities = model.encode_query(texts[:JUDGED]) @ model.encode_document(contents).T
        top = np.argpartition(-similarities, 99, axis=1)[:, :100]
        rankings = {
            f"q{place}": [(f"p{row}", float(similarities[place, row])) for row in rows]
            for place, rows in enumerate(top)
        }
        values = measures.per_query(["nDCG@10"], qrels, rankings)["nDCG@10"]
        return sum(values.values()) / len(values)

    stored = TextVectors(texts, of_queries), TextVectors([passage.content for passage in passages], of_passages)
    for name in ("adapter", "query_adapter"):
        settings = resolve(TrainSettings(method=name, patience=0), examples, BaseFacts(True, WIDTH))
        parts = methods.make(
            name, MethodInputs(tiny.static(width=WIDTH), settings.rank, queries=stored[0], passages=stored[1])
        )
        with tempfile.TemporaryDirectory() as folder:
            began, worked = time.perf_counter(), time.process_time()
            result = train(TrainingInputs(parts.model, examples, passages, dev_evaluator, settings), Path(folder))
            seconds, spent = time.perf_counter() - began, time.process_time() - worked
        met = "met" if seconds <= TARGET else "missed"
        print(
            f"{name:<14}{queries:,} queries, {collection:,} passages, {result.steps} steps of {settings.batch_size}: "
            f"{seconds:.1f} s ({spent:.1f} s of a core), judgements included; {TARGET:.0f} s {met}",
            flush=True,
        )


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    main(*(numbers + [10_000, 5_000][len(numbers) :]))
