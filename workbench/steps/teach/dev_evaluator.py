"""The dev evaluator of a training: the dev measure of a student as it is at a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.columns.passages import Passages, rows_of
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

    from workbench.students.architectures import Embeddings, Task

# The whole collection is ranked up to this size; beyond it the dev queries' candidates and judged passages.
EXHAUSTIVE_PASSAGES = 5_000
DEPTH = 100
TEXTS_AT_ONCE = 64
# Beyond these numbers passages are encoded, and queries compared with them, part by part: similarities take 64 MB.
PASSAGES_AT_ONCE = 16_384
QUERIES_AT_ONCE = 1_024


def dev_evaluator(
    store: Store, settings: ResolvedSettings, collection: Sequence[Passage] = ()
) -> Callable[[SentenceTransformer], DevMeasure]:
    """Return the dev measure of a model as a function: exact search, every dev query that counts as `evaluate` counts.

    `collection` are the workspace's passages, where they have been opened already. Where train has seen some of these
    queries, the measure on the others comes with it.
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
    passages = collection if isinstance(collection, Passages) else views.all_passages(store)
    rows = _ranked_rows(store, passages)
    unseen = unseen_part(store, "dev", judgements.judged)

    def dev_measure(model: SentenceTransformer) -> DevMeasure:
        rankings = _rankings(model, queries, (passages, rows), settings)
        by_measure = measures.per_query([settings.measure], judgements.qrels, rankings, judgements.left_out_below)
        others = unseen.only(by_measure)[settings.measure] if unseen else {}
        return DevMeasure(_mean(by_measure[settings.measure]), _mean(others) if others else None)

    return dev_measure


def _mean(values: Mapping[str, float]) -> float:
    return fsum(values.values()) / len(values)


def _rankings(
    model: SentenceTransformer,
    queries: Sequence[Query],
    ranked: tuple[Passages, NDArray[np.int64]],
    settings: ResolvedSettings,
) -> dict[str, list[tuple[str, float]]]:
    """Return the nearest of some rows of passages for each query, with their similarities."""
    passages, rows = ranked
    architecture = architectures.of(model)
    architecture.check_size(len(rows))

    def encoded(task: Task, texts: list[str]) -> Embeddings:
        with _autocast(model, settings):
            return architecture.encode(model, task, texts, TEXTS_AT_ONCE)

    of_queries = encoded("query", [query.text for query in queries])
    nearest: dict[int, _Nearest] = {}
    for first in range(0, len(rows), PASSAGES_AT_ONCE):
        part = rows[first : first + PASSAGES_AT_ONCE]
        of_passages = encoded("document", [passages[row].content for row in part.tolist()])
        for begin in range(0, len(queries), QUERIES_AT_ONCE):
            similarities = architecture.similarities(of_queries[begin : begin + QUERIES_AT_ONCE], of_passages)
            block = _Nearest(similarities.cpu().numpy(), np.broadcast_to(part, (len(similarities), len(part))))
            nearest[begin] = block.best() if first == 0 else nearest[begin].joined(block.best()).best()
    return {
        query.query_id: list(zip(passages.ids.take(row_block).to_pylist(), values.tolist(), strict=True))
        for begin, block in nearest.items()
        for query, row_block, values in zip(queries[begin:], block.rows, block.similarities, strict=False)
    }


class _Nearest(NamedTuple):
    """Passages of a block of queries (q, n): their similarities and their rows."""

    similarities: NDArray[np.floating]
    rows: NDArray[np.int64]

    def best(self) -> _Nearest:
        """Return the nearest of them, in no order."""
        depth = min(DEPTH, self.rows.shape[1])
        top = np.argpartition(-self.similarities, depth - 1, axis=1)[:, :depth]
        return _Nearest(np.take_along_axis(self.similarities, top, axis=1), np.take_along_axis(self.rows, top, axis=1))

    def joined(self, other: _Nearest) -> _Nearest:
        """Return these and others."""
        similarities = np.concatenate([self.similarities, other.similarities], axis=1)
        return _Nearest(similarities, np.concatenate([self.rows, other.rows], axis=1))


def _ranked_rows(store: Store, passages: Passages) -> NDArray[np.int64]:
    """Return the rows of the passages that are ranked."""
    if len(passages) <= EXHAUSTIVE_PASSAGES:
        return np.arange(len(passages))
    candidates = {passage_id for ids in views.candidates_of(store, "dev").values() for passage_id in ids}
    judged = {qrel.passage_id for qrel in views.qrels(store, "dev")}
    rows = rows_of(list(candidates | judged), passages.ids)
    return np.sort(rows[rows >= 0])  # of the others no text is known


def _autocast(model: SentenceTransformer, settings: ResolvedSettings) -> AbstractContextManager[Any]:
    import torch

    bfloat16 = settings.precision == "bfloat16"
    return torch.autocast(model.device.type, torch.bfloat16) if bfloat16 else nullcontext()
