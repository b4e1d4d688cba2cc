"""What a kind of student is made of: its base, and the base's vectors of all texts that training will ask for."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import encoder, students
from workbench.records import Example, Listener, Passage
from workbench.store import Store, views
from workbench.students import kinds
from workbench.trainer import TrainSettings


def material(
    store: Store, base: students.Student, examples: Sequence[Example], settings: TrainSettings, listen: Listener
) -> kinds.Material:
    """Load a base and recall from the workspace's vectors what it says; what is not there is encoded once and kept."""
    wanted, source = kinds.kind(settings.kind).remembers, encoder.Encoder(base, store.vectors)
    taught = [example.query.text for example in examples]
    queries = passages = kinds.NOTHING
    if "query" in wanted:
        asked = list(dict.fromkeys([*taught, *(query.text for query in views.queries(store, "dev"))]))
        queries = kinds.Known(asked, source.queries(asked, listen))
    if "document" in wanted:
        read = list(dict.fromkeys(passage.content for passage in _all(store, examples)))
        passages = kinds.Known(read, source.passages(read, listen))
    return kinds.Material(
        base=students.load(base),
        rank=settings.rank,
        seed=settings.seed,
        max_tokens=settings.max_tokens,
        queries=queries,
        passages=passages,
        taught=taught,
        collection=[passage.content for passage in views.passages(store)],
    )


def _all(store: Store, examples: Sequence[Example]) -> list[Passage]:
    return [*views.passages(store), *(passage for example in examples for passage in example.passages)]
