"""What a student loses in another runtime: measures, vectors and speed, compared with the student itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.evaluation import measures
from workbench.evaluation.comparison import Comparison, adjusted, compare_all
from workbench.evaluation.measures import PRIMARY
from workbench.records import Listener, Passage, Query
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.index.exact import Index
from workbench.runtimes import RuntimeEncoder
from workbench.steps.compare.run_measures import Judgements
from workbench.store import Store, views
from workbench.students import Student, model_card

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from workbench.retrieval.vector_cache import Vectors

MEASURED = ("R@1", "AP", "nDCG@10")
DEPTH = 100
# Searched whole up to this size; beyond it the candidates and judged passages of the queries that are compared.
WHOLE = 5_000
TIMED = 64  # texts
SEED = 13


@dataclass(frozen=True)
class ConversionSample:
    """What every runtime is compared on: queries and passages, with the student's own vectors in float32.

    Without a judged query `queries` are unjudged ones, and only vectors and speed are compared.
    """

    queries: Sequence[Query]
    passages: Sequence[Passage]
    judgements: Judgements
    query_vectors: Vectors
    passage_vectors: Vectors

    def values(self, query_vectors: Vectors, passage_vectors: Vectors) -> dict[str, list[float]]:
        """Return measure -> values of the judged queries, for vectors of the queries (q, d) and passages (p, d)."""
        ids = [passage.passage_id for passage in self.passages]
        nearest = Index(passage_vectors, ids).search(query_vectors, DEPTH)
        rankings = {
            query.query_id: [
                (ids[row], float(similarity)) for row, similarity in zip(rows, similarities, strict=True) if row >= 0
            ]
            for query, rows, similarities in zip(self.queries, nearest.rows, nearest.similarities, strict=True)
        }
        names, judgements = self.judgements.names(MEASURED), self.judgements
        values = measures.per_query(names, judgements.qrels, rankings, judgements.left_out_below)
        return {name: [of_query[key] for key in sorted(of_query)] for name, of_query in values.items()}


@dataclass(frozen=True)
class ConversionLoss:
    """One model file against the student: measures before and after, cosines to its vectors, texts a second, bytes.

    `texts_before` are the student's own texts a second, timed in turns with the file's on the same passages.
    """

    file: str
    size: int
    comparisons: tuple[Comparison, ...]
    cosine: float
    least_cosine: float
    texts: float
    texts_before: float

    @property
    def in_words(self) -> str:
        """Return the finding in a line."""
        measured = ", ".join(
            f"{one.measure} {one.before.mean:.3f} to {one.after.mean:.3f} ({one.difference.signed}, {one.verdict}"
            f"{one.few})"
            for one in self.comparisons
        )
        return (
            f"{self.file}: {measured or 'no query is judged'}; cosine to the original {self.cosine:.4f}, at least "
            f"{self.least_cosine:.4f}; {self.texts:,.0f} texts a second, the original {self.texts_before:,.0f}; "
            f"{self.size / 1e6:,.1f} MB"
        )


def conversion_sample(store: Store, student: Student, split: str, check: int, listen: Listener) -> ConversionSample:
    """Choose queries and passages, and encode them with the student in float32; vectors are kept in the workspace."""
    judgements = Judgements.of(store, split)
    judged = judgements.judged
    every = views.queries(store, split) or views.queries(store)
    queries = [query for query in every if query.query_id in judged] or every
    if check and check < len(queries):
        queries = sorted(random.Random(SEED).sample(queries, check))
    chosen = {query.query_id for query in queries}
    judgements = judgements.of_queries(chosen)
    if views.counts(store).passages <= WHOLE:
        passages = views.passages(store)
    else:
        candidates = views.candidates_of(store, split, chosen)
        searched = {passage_id for query_id in chosen for passage_id in candidates.get(query_id, ())}
        searched |= {qrel.passage_id for qrel in judgements.qrels}
        passages = views.passages(store, searched) or next(views.passage_parts(store, at_once=WHOLE))
    plain = Encoder(student, store.vectors, precision="float32")
    query_vectors = plain.queries([query.text for query in queries], listen)
    passage_vectors = plain.passages([passage.content for passage in passages], listen)
    return ConversionSample(queries, passages, judgements, query_vectors, passage_vectors)


def conversion_loss(
    sample: ConversionSample, model: SentenceTransformer, folder: Path, file: str, listen: Listener
) -> ConversionLoss:
    """Encode the same with one model file of a folder, and compare."""
    runtime = RuntimeEncoder(folder, file)
    vectors = (
        runtime.queries([query.text for query in sample.queries], listen),
        runtime.passages([passage.content for passage in sample.passages], listen),
    )
    own = sample.query_vectors, sample.passage_vectors
    cosines = np.concatenate([(one * other).sum(axis=1) for one, other in zip(vectors, own, strict=True)])
    comparisons: tuple[Comparison, ...] = ()
    if sample.judgements.relevant:
        comparisons = adjusted(compare_all(sample.values(*own), sample.values(*vectors)), PRIMARY)
    texts = [passage.content for passage in sample.passages[:: max(1, len(sample.passages) // TIMED)]][:TIMED]
    before, after = _rates(texts, _original(model), runtime.passages)
    weights = [folder / file, (folder / file).with_suffix(".bin")] if file.endswith(".xml") else [folder / file]
    size = sum(part.stat().st_size for part in weights)
    return ConversionLoss(file, size, comparisons, float(cosines.mean()), float(cosines.min()), after, before)


def section(losses: Sequence[ConversionLoss], note: str) -> str:
    """Return the losses as a section of a model card."""
    names = [one.measure for one in losses[0].comparisons]
    rows = [
        [
            model_card.inline(loss.file),
            *(f"{one.after.mean:.3f} ({one.difference.signed}, {one.verdict}{one.few})" for one in loss.comparisons),
            f"{loss.cosine:.4f}, at least {loss.least_cosine:.4f}",
            f"{loss.texts:,.0f} ({loss.texts / loss.texts_before:.1f} times)",
            f"{loss.size / 1e6:,.1f} MB",
        ]
        for loss in losses
    ]
    header = ["file", *(f"{name} (and its change)" for name in names), "cosine", "texts a second", "size"]
    meaning = (
        "Changes are paired, with 95 % bootstrap intervals; cosines and speeds are to the original's, on one machine."
    )
    use = 'from workbench.runtimes import RuntimeEncoder\nRuntimeEncoder("path/to/this/folder", "{}").queries(["..."])'
    drawn = model_card.table(model_card.Table(header, rows, f"{note} {meaning}"))
    return f"## Other runtimes\n\n{drawn}\n\n```python\n{use.format(losses[-1].file)}\n```"


def _original(model: SentenceTransformer) -> Callable[[Sequence[str]], Any]:
    return lambda texts: model.encode_document(list(texts), batch_size=32, show_progress_bar=False)


def _rates(texts: Sequence[str], *encoders: Callable[[Sequence[str]], Any]) -> list[float]:
    """Return the texts a second of each, the better of two rounds in turns after a warm-up."""
    best = [float("inf")] * len(encoders)
    for encode in encoders:
        encode(texts[:4])
    for _ in range(2):
        for place, encode in enumerate(encoders):
            started = time.perf_counter()
            encode(texts)
            best[place] = min(best[place], time.perf_counter() - started)
    return [len(texts) / seconds for seconds in best]
