"""The dev_evaluator of a training: the dev measure of a student as it is at a step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from math import fsum
from typing import TYPE_CHECKING, Any

from workbench import machine
from workbench.errors import NothingToDo
from workbench.evaluation import measures
from workbench.records import Passage, Query
from workbench.store import Store, views
from workbench.students import architectures
from workbench.trainer import TrainSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Judged against the whole collection up to this size; beyond it against the dev queries' candidates.
EXHAUSTIVE_PASSAGES = 5_000
TEXTS_AT_ONCE = 64


def dev_evaluator(store: Store, settings: TrainSettings) -> Callable[[SentenceTransformer], float]:
    """Return the dev measure of a model as a function: exact search, every judged dev query."""
    qrels, queries = views.qrels(store, "dev"), _queries(store)
    if not queries:
        raise NothingToDo(
            "No query of the dev split has a relevant passage, so nothing can choose the best step.",
            "Give some queries the split dev, with qrels.",
        )
    passages = _passages(store)

    def measured(model: SentenceTransformer) -> float:
        import numpy as np

        architecture = architectures.of(model)
        architecture.check_size(len(passages))
        with _precision(settings):
            asked = architecture.encode(model, "query", [query.text for query in queries], TEXTS_AT_ONCE)
            found = architecture.encode(model, "document", [passage.content for passage in passages], TEXTS_AT_ONCE)
        similarities = architecture.similarities(asked, found).cpu().numpy()
        depth = min(100, len(passages))
        top = np.argpartition(-similarities, depth - 1, axis=1)[:, :depth]
        rankings = {
            query.query_id: [(passages[row].passage_id, float(similarities[place, row])) for row in top[place]]
            for place, query in enumerate(queries)
        }
        values = measures.per_query([settings.measure], qrels, rankings)[settings.measure]
        return fsum(values.values()) / len(values)

    return measured


def _queries(store: Store) -> list[Query]:
    """Return the dev queries that a judgement asks: those with a relevant passage."""
    relevant = {qrel.query_id for qrel in views.qrels(store, "dev") if qrel.relevance > 0}
    return [query for query in views.queries(store, "dev") if query.query_id in relevant]


def _passages(store: Store) -> list[Passage]:
    """Return the passages that a judgement ranks."""
    passages = views.passages(store)
    if len(passages) <= EXHAUSTIVE_PASSAGES:
        return passages
    wanted = {passage for ids in views.candidates_of(store, "dev").values() for passage in ids}
    wanted |= {qrel.passage_id for qrel in views.qrels(store, "dev")}
    return [passage for passage in passages if passage.passage_id in wanted]


def _precision(settings: TrainSettings) -> AbstractContextManager[Any]:
    import torch

    faster = settings.precision == "bfloat16"
    return torch.autocast(machine.best_device(), torch.bfloat16) if faster else nullcontext()
