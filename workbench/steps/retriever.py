"""A student's name to something that ranks this workspace's passages."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import students
from workbench.encoder import Encoder
from workbench.index import DenseRetriever, Retriever
from workbench.lexical import BM25
from workbench.records import Passage
from workbench.store import Store


def retriever(store: Store, name: str, passages: Sequence[Passage]) -> Retriever:
    """Return the retriever of a student, or of BM25, over `passages`; vectors are cached in the workspace."""
    if name == students.BM25:
        return BM25(passages)
    return DenseRetriever(Encoder(students.find(name, store.students), store.vectors), passages)
