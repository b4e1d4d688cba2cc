"""Changes of a workspace by name, each noted as its writer notes it, though no row is another one.

So a benchmark can be repeated on the same workspace, and its pages compute anew what they would after the write.
"""

from __future__ import annotations

from collections.abc import Callable

from workbench.store import Store, views
from workbench.store.collection import written
from workbench.store.database.changes import ANNOTATIONS, Part


def score_batch(store: Store) -> None:
    """Note a batch of utilities, by the teacher that has scored most."""
    teacher = max(views.teachers(store), key=lambda counted: counted.pairs).teacher
    with store.write("failures", "teachers", Part("utilities", teacher)):
        pass


def evaluate_again(store: Store) -> None:
    """Note that the student was evaluated again that was evaluated last."""
    with store.write("runs", Part("hits", views.runs(store)[-1].run)):
        pass


def ingest_more(store: Store) -> None:
    """Note that a collection was added to."""
    with store.write(*written(replace=False, passages_alone=False)):
        pass


def annotate(store: Store) -> None:
    """Note a verdict."""
    with store.write(*ANNOTATIONS):
        pass


CHANGES: dict[str, Callable[[Store], None]] = {
    "a batch scored": score_batch,
    "a run evaluated": evaluate_again,
    "texts ingested": ingest_more,
    "a verdict": annotate,
}
