"""What a student is made of: its base, and the base's vectors of all texts that training will read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench import students
from workbench.columns.examples import Examples
from workbench.columns.texts import parts
from workbench.records import Listener
from workbench.retrieval import encoder
from workbench.store import Store, views
from workbench.students import methods
from workbench.trainer import ResolvedSettings


def method_inputs(
    store: Store,
    base: students.Student,
    examples: Examples,
    settings: ResolvedSettings,
    listen: Listener,
) -> methods.MethodInputs:
    """Load a base, and its vectors from the workspace where the method needs them; absent ones are encoded and kept."""
    needs, source = methods.method(settings.method).base_vectors, encoder.Encoder(base, store.vectors)
    training_queries = [query.text for query in examples.queries]
    queries = passages = methods.NO_VECTORS
    if "query" in needs:
        dev_queries = [query.text for query in views.queries(store, "dev")]
        texts = list(dict.fromkeys(training_queries + dev_queries))
        queries = methods.TextVectors(texts, source.queries(texts, listen))
    if "document" in needs:
        distinct = examples.contents.distinct
        passages = methods.TextVectors(distinct, source.stored_passages(lambda: parts(distinct), listen)[:])
    return methods.MethodInputs(
        base=students.load(base),
        rank=settings.rank,
        seed=settings.seed,
        max_tokens=settings.max_tokens,
        queries=queries,
        passages=passages,
        training_queries=training_queries,
        collection=examples.contents,
    )


def query_vectors(
    store: Store, base: students.Student, examples: Examples, settings: ResolvedSettings, listen: Listener
) -> NDArray[np.float32] | None:
    """Return the base's vectors of the training queries, where topics are made of them."""
    if not settings.topics:
        return None
    return encoder.Encoder(base, store.vectors).queries([query.text for query in examples.queries], listen)
