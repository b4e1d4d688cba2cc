"""Indexes in a folder: written once, then mapped into memory, so that a search reads from them what it needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import NothingToDo
from workbench.records import Listener, Passage, silent
from workbench.retrieval.bm25 import BM25, BM25Settings
from workbench.retrieval.dense import DenseRetriever
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.index.exact import Index
from workbench.retrieval.ranking import Collection, PassageIds

IDS, VECTORS, WORDS = "ids.json", "vectors.npy", "words"  # the ids are written last


def is_saved(folder: Path) -> bool:
    """Return whether a folder holds a whole index."""
    return (folder / IDS).is_file()


def save_vectors(
    folder: Path, encoder: Encoder, parts: Iterable[Sequence[Passage]], size: int, listen: Listener = silent
) -> None:
    """Write the vectors of `size` passages, which come part by part, and their ids; what has no vector is encoded."""
    ids: list[str] = []
    vectors = np.empty((0, 0), np.float32)
    for part in parts:
        encoded = encoder.passages([passage.content for passage in part], listen)
        if not ids:
            shape = (size, encoded.shape[1])
            vectors = np.lib.format.open_memmap(folder / VECTORS, mode="w+", dtype=np.float32, shape=shape)
        if len(ids) + len(part) > size:
            break
        vectors[len(ids) : len(ids) + len(part)] = encoded
        ids += [passage.passage_id for passage in part]
    if len(ids) != size or not ids:
        raise NothingToDo(
            f"{len(ids):,} of {size:,} passages could be read: the collection has changed meanwhile, or is empty.",
            "Search again.",
        )
    del vectors  # to the disk
    _write_ids(folder, ids)


def open_vectors(folder: Path, encoder: Encoder) -> tuple[DenseRetriever, list[str]]:
    """Return a student's retriever on vectors that `save_vectors` has written, and the passages' ids."""
    ids = _read_ids(folder)
    return DenseRetriever(encoder, Index(np.load(folder / VECTORS, mmap_mode="r"), ids)), ids


def save_bm25(folder: Path, collection: Collection, listen: Listener = silent) -> None:
    """Write the BM25 index of a collection, and the passages' ids."""
    BM25(collection).save(folder / WORDS, listen)
    _write_ids(folder, collection.ids[:])


def open_bm25(folder: Path) -> tuple[BM25, list[str]]:
    """Return BM25 on an index that `save_bm25` has written, and the passages' ids."""
    ids = _read_ids(folder)
    return _SavedBM25(folder / WORDS, ids), ids


class _SavedBM25(BM25):
    """BM25 whose index lies in a folder."""

    def __init__(self, folder: Path, ids: Sequence[str], settings: BM25Settings | None = None) -> None:
        super().__init__(Collection(PassageIds(ids), tuple), settings)
        self._folder = folder

    @cached_property
    def _index(self) -> tuple[Any, dict[str, int]]:
        import bm25s

        if not self._folder.is_dir():  # no passage has a word
            return None, {}
        index = bm25s.BM25.load(self._folder, mmap=True, show_progress=False)
        return index, dict(index.vocab_dict)


def _write_ids(folder: Path, ids: Sequence[str]) -> None:
    (folder / IDS).write_text(json.dumps(ids), encoding="utf-8")


def _read_ids(folder: Path) -> list[str]:
    ids: list[str] = json.loads((folder / IDS).read_text(encoding="utf-8"))
    return ids
