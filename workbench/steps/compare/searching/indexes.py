"""The indexes that a search reads: a student's of the collection, kept in the workspace until either changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench import files, students
from workbench.errors import NothingToDo
from workbench.records import Listener, silent
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.exhaustive import ExhaustiveRetriever
from workbench.retrieval.saved_index import is_saved, open_bm25, open_vectors, save_bm25, save_vectors
from workbench.retrieval.searcher import Searcher
from workbench.steps.compare.ranking.retriever import find_student, stored_collection
from workbench.store import Store, kept, views
from workbench.students import architectures

PREFIX = "index-"
INDEXES = 8  # that are kept: those that were opened last


@dataclass(frozen=True)
class KeptIndex:
    """The place of a student's index of the passages that a workspace holds now; `encoder` is None for BM25.

    Another collection or other weights have another place. Students that encode passages as their base does share
    its index.
    """

    store: Store
    student: str
    folder: Path
    encoder: Encoder | None

    @property
    def is_made(self) -> bool:
        """Return whether the index is there."""
        return is_saved(self.folder)

    @property
    def is_stale(self) -> bool:
        """Return whether there is one of other passages, and none of these."""
        return not self.is_made and any(map(is_saved, self.folder.parent.glob(f"{self.folder.name[:-12]}*")))

    def passages_to_encode(self) -> int:
        """Return how many passages the student has not encoded yet, which reads all texts."""
        if self.encoder is None:
            return 0
        return sum(
            self.encoder.to_encode("passage", [passage.content for passage in part])
            for part in views.passage_parts(self.store)
        )

    def make(self, listen: Listener = silent) -> None:
        """Write the index; passages without a vector are encoded. Those not opened for longest give way."""
        size = views.counts(self.store).passages
        if not size:
            raise NothingToDo("There are no passages to search.", "Run `workbench ingest` first.")
        with files.aside(self.folder, replace=True) as draft:
            draft.mkdir()
            if self.encoder is None:
                save_bm25(draft, stored_collection(self.store), listen)
            else:
                save_vectors(draft, self.encoder, views.passage_parts(self.store), size, listen)
        for former in sorted(self._all(), key=lambda folder: folder.stat().st_mtime, reverse=True)[INDEXES:]:
            shutil.rmtree(former, ignore_errors=True)

    def open(self) -> Searcher:
        """Return a searcher on the index, which is made."""
        with suppress(OSError):  # in a workspace that can only be read
            os.utime(self.folder)
        if self.encoder is None:
            return Searcher(self.student, *open_bm25(self.folder), unit="BM25")
        return Searcher(self.student, *open_vectors(self.folder, self.encoder), unit="cosine")

    def _all(self) -> Iterator[Path]:
        return (folder for folder in self.folder.parent.glob(f"{PREFIX}*") if folder.is_dir())


def kept_index(store: Store, name: str, collection: str = "") -> KeptIndex | None:
    """Return the place of a student's index; None for a sparse or multi-vector one, which compares with every passage.

    `collection` is the fingerprint of the passages, where it is known already.
    """
    collection = collection or views.collection_fingerprint(store)
    if name == students.BM25:
        return KeptIndex(store, name, store.path / kept.FOLDER / f"{PREFIX}{name}-{collection}", None)
    student = find_student(store, name)
    if architectures.architecture(student.path) is not architectures.DENSE:
        return None
    encoder = Encoder(student, store.vectors)
    return KeptIndex(
        store, name, store.path / kept.FOLDER / f"{PREFIX}{encoder.index_fingerprint}-{collection}", encoder
    )


def searcher(store: Store, name: str, listen: Listener = silent) -> Searcher:
    """Return what searches this workspace's passages by a student or by BM25; an index that is lacking is made."""
    if index := kept_index(store, name):
        if not index.is_made:
            index.make(listen)
        return index.open()
    collection = stored_collection(store)
    retriever = ExhaustiveRetriever(find_student(store, name), collection)
    return Searcher(name, retriever, collection.ids, unit="similarity")
