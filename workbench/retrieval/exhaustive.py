"""Search by comparing every query with every passage: what sparse and multi-vector students do without an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.records import Listener, Progress, silent
from workbench.retrieval.ranking import (
    DECIMALS,
    Collection,
    Nearest,
    Placement,
    best_rows,
    check_depth,
    no_hits,
    placements,
    tie_order,
)
from workbench.students import Student, architectures, load

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

TEXTS_IN_CALL = 128
QUERIES_AT_ONCE = 64
BATCH_SIZE = 32


class ExhaustiveRetriever:
    """A student and a collection; its similarities are those of its architecture, exact, in float32.

    The passages' embeddings stay in memory as long as this object and are not kept on disk: each evaluation encodes
    them again. Raises BadSetting for more passages than its architecture can compare.
    """

    def __init__(self, student: Student, collection: Collection) -> None:
        self.student = student
        self.architecture = architectures.architecture(student.path)
        self.architecture.check_size(len(collection))
        # Equal texts are encoded once, so that they tie whatever the machine's arithmetic makes of them.
        row_of: dict[str, int] = {}
        rows = [row_of.setdefault(text, len(row_of)) for part in collection.texts() for text in part]
        self.texts, self.text_of = list(row_of), np.array(rows, np.int64)
        self.order = tie_order(collection.ids)
        self._embeddings: list[architectures.Embeddings] = []

    @property
    def name(self) -> str:
        """Return the student's name."""
        return self.student.name

    def search(self, queries: Sequence[str], k: int, listen: Listener = silent) -> Nearest:
        """Return the k best passages of each query."""
        check_depth(k)
        nearest = no_hits(len(queries), k)
        for query, similarities in enumerate(self._similarities(queries, listen)):
            best = best_rows(similarities, self.order, k)
            nearest.fill(query, best, similarities[best])
        return nearest

    def place(
        self, queries: Sequence[str], rows: Sequence[Sequence[int]], listen: Listener = silent
    ) -> list[Placement]:
        """Return ranks and similarities of given passages for each query, also below any depth."""
        return placements(self._similarities(queries, listen), self.order, rows)

    def _similarities(self, queries: Sequence[str], listen: Listener) -> Iterator[NDArray[np.float64]]:
        """Yield the similarities of the whole collection (n,) for each query in turn."""
        passages = self._passages(listen)
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            listen(Progress("search", start, len(queries), "queries", self.name))
            embeddings = self.architecture.encode(
                self._model, "query", queries[start : start + QUERIES_AT_ONCE], BATCH_SIZE
            )
            parts = [self.architecture.similarities(embeddings, part).cpu().double().numpy() for part in passages]
            similarities = np.hstack(parts).round(DECIMALS)[:, self.text_of]
            self._check_numbers(similarities, queries[start : start + QUERIES_AT_ONCE])
            yield from similarities
        listen(Progress("search", len(queries), len(queries), "queries", self.name))

    def _passages(self, listen: Listener) -> list[architectures.Embeddings]:
        """Return the embeddings of the distinct passages, in parts; an interrupt costs one of them."""
        while (done := len(self._embeddings) * TEXTS_IN_CALL) < len(self.texts):
            listen(Progress("encode", done, len(self.texts), "texts", self.name))
            part = self.texts[done : done + TEXTS_IN_CALL]
            self._embeddings.append(self.architecture.encode(self._model, "document", part, BATCH_SIZE))
        listen(Progress("encode", len(self.texts), len(self.texts), "texts", self.name))
        return self._embeddings

    def _check_numbers(self, similarities: NDArray[np.float64], queries: Sequence[str]) -> None:
        unfit = ~np.isfinite(similarities).all(axis=1)
        if unfit.any():
            text = queries[int(np.argmax(unfit))]
            raise WorkbenchError(
                f"{self.name!r} has no similarity for the query {text[:80]!r}: it is not a number.",
                "Leave the text out if it holds no words; if it does, the student's training has gone astray.",
            )

    @cached_property
    def _model(self) -> SentenceTransformer:
        model = load(self.student)
        architectures.of(model)
        return model
