"""The dev evaluator of a training: the dev measure of a student as it is at a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import fsum
from typing import TYPE_CHECKING, Any

from workbench.errors import NothingToDo
from workbench.evaluation import measures
from workbench.records import Passage, Query
from workbench.steps.compare.run_measures import Judgements
from workbench.steps.data.next_step import advice
from workbench.steps.data.splits.unseen import unseen_part
from workbench.store import Store, views
from workbench.students import architectures
from workbench.trainer import DevMeasure, ResolvedSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# The whole collection is ranked up to this size; beyond it the dev queries' candidates and judged passages.
EXHAUSTIVE_PASSAGES = 5_000
DEPTH = 100
TEXTS_AT_ONCE = 64


def dev_evaluator(store: Store, settings: ResolvedSettings) -> Callable[[SentenceTransformer], DevMeasure]:
    """Return the dev measure of a model as a function: exact search, every dev query that counts as `evaluate` counts.

    Where train has seen some of these queries, the measure on the others comes with it.
    Raises NothingToDo where no dev query has a relevant passage.
    """
    judgements = Judgements.of(store, "dev")
    counts = judgements.counts_for(settings.measure)
    if counts.judged == counts.without_relevant:
        raise NothingToDo(
            f"No query of the dev split has {counts.relevant}, so nothing can choose the best step.",
            advice(store),
        )
    judged = {qrel.query_id for qrel in judgements.qrels}
    queries = [query for query in views.queries(store, "dev") if query.query_id in judged]
    passages = _passages(store)
    unseen = unseen_part(store, "dev", judgements.judged)

    def dev_measure(model: SentenceTransformer) -> DevMeasure:
        rankings = _rankings(model, queries, passages, settings)
        by_measure = measures.per_query([settings.measure], judgements.qrels, rankings, judgements.left_out_below)
        others = unseen.only(by_measure)[settings.measure] if unseen else {}
        return DevMeasure(_mean(by_measure[settings.measure]), _mean(others) if others else None)

    return dev_measure


def _mean(values: Mapping[str, float]) -> float:
    return fsum(values.values()) / len(values)


def _rankings(
    model: SentenceTransformer, queries: Sequence[Query], passages: Sequence[Passage], settings: ResolvedSettings
) -> dict[str, list[tuple[str, float]]]:
    """Return the nearest passages of each query, with their similarities."""
    import numpy as np

    architecture = architectures.of(model)
    architecture.check_size(len(passages))
    with _autocast(model, settings):
        of_queries = architecture.encode(model, "query", [query.text for query in queries], TEXTS_AT_ONCE)
        of_passages = architecture.encode(model, "document", [passage.content for passage in passages], TEXTS_AT_ONCE)
    similarities = architecture.similarities(of_queries, of_passages).cpu().numpy()
    depth = min(DEPTH, len(passages))
    top = np.argpartition(-similarities, depth - 1, axis=1)[:, :depth]
    return {
        query.query_id: [(passages[row].passage_id, float(similarities[place, row])) for row in top[place]]
        for place, query in enumerate(queries)
    }


def _passages(store: Store) -> list[Passage]:
    """Return the passages that are ranked."""
    if views.counts(store).passages <= EXHAUSTIVE_PASSAGES:
        return views.passages(store)
    candidates = {passage_id for ids in views.candidates_of(store, "dev").values() for passage_id in ids}
    judged = {qrel.passage_id for qrel in views.qrels(store, "dev")}
    return views.passages(store, candidates | judged)


def _autocast(model: SentenceTransformer, settings: ResolvedSettings) -> AbstractContextManager[Any]:
    import torch

    bfloat16 = settings.precision == "bfloat16"
    return torch.autocast(model.device.type, torch.bfloat16) if bfloat16 else nullcontext()
