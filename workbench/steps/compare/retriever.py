"""A student's name to something that ranks this workspace's passages."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import students
from workbench.records import Passage
from workbench.retrieval.bm25 import BM25
from workbench.retrieval.dense import DenseRetriever
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.exhaustive import ExhaustiveRetriever
from workbench.retrieval.ranking import Retriever
from workbench.store import Store
from workbench.students import architectures


def retriever(store: Store, name: str, passages: Sequence[Passage]) -> Retriever:
    """Return the retriever of a student, or of BM25, over `passages`.

    A dense student's vectors are kept in the workspace; a sparse or multi-vector one's are not.
    """
    if name == students.BM25:
        return BM25(passages)
    student = students.find(name, store.students)
    if architectures.architecture(student.path) is architectures.DENSE:
        return DenseRetriever(Encoder(student, store.vectors), passages)
    return ExhaustiveRetriever(student, passages)
