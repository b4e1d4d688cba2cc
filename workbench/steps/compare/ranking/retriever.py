"""A student's name to something that ranks this workspace's passages."""

from __future__ import annotations

from functools import partial

from workbench import students
from workbench.engines import LOCAL, Engine
from workbench.errors import BadSetting
from workbench.retrieval.bm25 import BM25
from workbench.retrieval.dense import DenseRetriever
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.exhaustive import ExhaustiveRetriever
from workbench.retrieval.ranking import Collection, PassageIds, Retriever
from workbench.steps.compare.ranking.rerank import Reranking
from workbench.store import Store, settings_of, views
from workbench.students import Student, architectures


def find_student(store: Store, name: str) -> Student:
    """Return the student of a name.

    Raises BadSetting where it names an imported run, which no model is known of, or a re-ranking, which has none.
    """
    if Reranking.parse(name):
        raise BadSetting(
            f"{name!r} is a re-ranking by a teacher: it is no model.",
            "It can be evaluated and compared; train a student on the teacher's utilities to search without it.",
        )
    imported = any(run.imported and run.student == name for run in views.runs(store))
    if imported and not (store.students / students.slug(name) / students.RECIPE).is_file():
        raise BadSetting(
            f"{name!r} is an imported run: its rankings are here, and what made them is not.",
            "It can be evaluated and compared. Where passages are ranked or a student is trained, name a student of "
            "`workbench students`, a model by hub name or folder, or bm25.",
        )
    return students.find(name, store.students)


def stored_collection(store: Store) -> Collection:
    """Return the passages of a workspace that have a text; raises NothingToDo where there are none."""
    return Collection(PassageIds(views.passage_ids(store)), partial(views.passage_parts, store))


def retriever(store: Store, name: str, collection: Collection, engine: Engine = LOCAL) -> Retriever:
    """Return the retriever of a student, or of BM25, over a collection.

    A dense student's vectors are encoded by an engine, kept in the workspace, and searched by the index that its
    settings name; a sparse or multi-vector one's are not kept.
    """
    if name == students.BM25:
        return BM25(collection)
    student = find_student(store, name)
    if architectures.architecture(student.path) is architectures.DENSE:
        encoder = Encoder(student, store.vectors, engine=engine)
        return DenseRetriever(encoder, collection, kind=settings_of(store).index, engine=engine)
    return ExhaustiveRetriever(student, collection)
