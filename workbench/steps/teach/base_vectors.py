"""What a method of student is made of: its base, and the base's vectors of all texts that training will ask for."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import students
from workbench.records import Example, Listener, Passage
from workbench.retrieval import encoder
from workbench.store import Store, views
from workbench.students import methods
from workbench.trainer import TrainSettings


def material(
    store: Store, base: students.Student, examples: Sequence[Example], settings: TrainSettings, listen: Listener
) -> methods.MethodInputs:
    """Load a base and recall from the workspace's vectors what it says; what is not there is encoded once and kept."""
    wanted, source = methods.method(settings.method).needs_vectors, encoder.Encoder(base, store.vectors)
    training_queries = [example.query.text for example in examples]
    queries = passages = methods.NOTHING
    if "query" in wanted:
        asked = list(dict.fromkeys([*training_queries, *(query.text for query in views.queries(store, "dev"))]))
        queries = methods.TextVectors(asked, source.queries(asked, listen))
    if "document" in wanted:
        read = list(dict.fromkeys(passage.content for passage in _all(store, examples)))
        passages = methods.TextVectors(read, source.passages(read, listen))
    return methods.MethodInputs(
        base=students.load(base),
        rank=settings.rank,
        seed=settings.seed,
        max_tokens=settings.max_tokens,
        queries=queries,
        passages=passages,
        training_queries=training_queries,
        collection=[passage.content for passage in views.passages(store)],
    )


def _all(store: Store, examples: Sequence[Example]) -> list[Passage]:
    return [*views.passages(store), *(passage for example in examples for passage in example.passages)]
