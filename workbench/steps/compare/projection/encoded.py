"""The vectors of a workspace's texts, by blocks and of a sample; taken from disk where they are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting
from workbench.records import Listener, Progress
from workbench.retrieval.encoder import Encoder
from workbench.steps.compare.ranking.retriever import find_student
from workbench.store import Store, views
from workbench.store.near_duplicates import TEXT_KINDS, TextKind
from workbench.store.views.projected import texts
from workbench.students import BM25, architectures

AT_ONCE = 2_048  # texts of a block


class Block(NamedTuple):
    """The ids of some texts of a kind, and their vectors (n, d)."""

    kind: TextKind
    ids: Sequence[str]
    vectors: NDArray[np.float32]


def dense_encoder(store: Store, name: str) -> Encoder:
    """Return the encoder of a student; raises BadSetting for one that has no single vector for a text."""
    if name == BM25:
        raise BadSetting("BM25 has no vectors to project.", "Name a dense student.")
    student = find_student(store, name)
    architecture = architectures.architecture(student.path)
    if architecture is not architectures.DENSE:
        raise BadSetting(f"{name} is a {architecture.name} student: {architecture.about}.", "Name a dense student.")
    return Encoder(student, store.vectors)


def blocks(store: Store, encoder: Encoder, listen: Listener) -> Iterator[Block]:
    """Yield all queries and passages that have a text, by kind and id; absent vectors are encoded and kept."""
    counts, done = views.counts(store), 0
    for kind in TEXT_KINDS:
        after = ""
        while page := texts.text_page(store, kind, after, AT_ONCE):
            ids, contents = zip(*page, strict=True)
            yield Block(kind, ids, _vectors(encoder, kind, contents))
            after, done = ids[-1], done + len(ids)
            listen(Progress("project", done, counts.queries + counts.passages, "texts", encoder.name))


def texts_to_encode(store: Store, encoder: Encoder) -> int:
    """Return how many queries and passages have no vector on disk, which reads all texts."""
    lacking = 0
    for kind in TEXT_KINDS:
        after = ""
        while page := texts.text_page(store, kind, after, AT_ONCE):
            lacking += encoder.to_encode(kind, [content for _, content in page])
            after = page[-1][0]
    return lacking


def sample_vectors(
    store: Store, encoder: Encoder, sample: Mapping[TextKind, Sequence[str]], listen: Listener
) -> NDArray[np.float32]:
    """Return the vectors (n, d) of some queries, then some passages, in the order of their ids."""
    parts, total = [], sum(map(len, sample.values()))
    for kind in TEXT_KINDS:
        ids = sample[kind]
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            contents = (
                [query.text for query in views.queries(store, ids=some)]
                if kind == "query"
                else [passage.content for passage in views.passages(store, some)]
            )
            parts.append(_vectors(encoder, kind, contents))
            listen(Progress("sample", sum(map(len, parts)), total, "texts", encoder.name))
    return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)


def _vectors(encoder: Encoder, kind: TextKind, contents: Sequence[str]) -> NDArray[np.float32]:
    return encoder.queries(contents) if kind == "query" else encoder.passages(contents)
