"""Kinds of students: how a base becomes what is trained, and what was trained becomes a folder anybody opens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting, UnknownName
from workbench.students.architectures import DENSE, Architecture

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

Task = str  # "query" or "document", as sentence-transformers says it


class TextVectors(NamedTuple):
    """Texts and the unit vectors (n, d) that the base has for them."""

    texts: Sequence[str]
    vectors: NDArray[np.float32]


NOTHING = TextVectors((), np.empty((0, 0), np.float32))


@dataclass(frozen=True)
class MethodInputs:
    """What a student is made of: a loaded base, and the base's vectors of texts where the method needs them.

    `rank` None is the method's own. `training_queries` are the texts of the training queries, `collection` those of
    the passages that are searched, `max_tokens` where readers cut.
    """

    base: SentenceTransformer
    rank: int | None = None
    seed: int = 0
    max_tokens: int | None = None
    queries: TextVectors = NOTHING
    passages: TextVectors = NOTHING
    training_queries: Sequence[str] = ()
    collection: Sequence[str] = ()


@dataclass(frozen=True)
class MethodParts:
    """A student in the making: what is trained, and as functions what is judged and what is saved, as it is now.

    `anchor` returns the base's vectors of texts, for a method that is pulled towards them while it is trained.
    """

    model: SentenceTransformer
    saved: Callable[[], SentenceTransformer]
    judged: Callable[[], SentenceTransformer]
    anchor: Callable[[Task, Sequence[str]], Tensor] | None = None


class Method(NamedTuple):
    """One way from a base to a student.

    `needs_vectors` says which texts must come with the base's vectors; `encodes` whether training runs an encoder;
    `keeps_passage_vectors` whether the student's passage vectors are the base's, so that an index of them stays valid.
    `rank` is the default of a method that has one. `learning_rate`, and on a static base `static_rate`, are the
    method's own; None leaves them to the base's nature. Rates on static bases were chosen on squad_dev's dev split.
    """

    make: Callable[[MethodInputs], MethodParts]
    about: str
    needs_vectors: frozenset[Task] = frozenset()
    encodes: bool = True
    keeps_passage_vectors: bool = False
    rank: int | None = None
    learning_rate: float | None = None
    static_rate: float | None = None

    def rate(self, static: bool) -> float | None:
        """Return the method's own learning rate, None if it has none."""
        return self.static_rate if static else self.learning_rate


def _full(material: MethodInputs) -> MethodParts:
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    model = material.base
    if isinstance(model[0], StaticEmbedding):
        from workbench.students.methods import weighted

        return weighted.weighted(material)
    return MethodParts(model, saved=lambda: model, judged=lambda: model)


def _lora(material: MethodInputs) -> MethodParts:
    from workbench.students.methods import lora

    return lora.lora(material)


def _adapter(material: MethodInputs) -> MethodParts:
    from workbench.students.methods import adapter

    return adapter.adapter(material)


def _query_adapter(material: MethodInputs) -> MethodParts:
    from workbench.students.methods import adapter

    return adapter.query_adapter(material)


def _query_only(material: MethodInputs) -> MethodParts:
    from workbench.students.methods import sides

    return sides.query_only(material)


def _drift(material: MethodInputs) -> MethodParts:
    from workbench.students.methods import drift

    return drift.drift(material)


PASSAGES: frozenset[Task] = frozenset({"document"})
BOTH: frozenset[Task] = frozenset({"query", "document"})
METHODS: dict[str, Method] = {
    "full": Method(_full, "all weights, for queries and passages alike; of a static base its table and token weights"),
    "lora": Method(_lora, "low-rank changes to a transformer's layers, merged when saved", rank=16, learning_rate=3e-4),
    "adapter": Method(
        _adapter, "a low-rank change to finished vectors of both sides, in seconds", BOTH,
        encodes=False, rank=32, learning_rate=1e-3, static_rate=1e-3,
    ),
    "query_adapter": Method(
        _query_adapter, "a low-rank change to finished query vectors; the passage index stays", BOTH,
        encodes=False, keeps_passage_vectors=True, rank=32, learning_rate=1e-4, static_rate=1e-4,
    ),
    "query_only": Method(
        _query_only, "all weights of a copy that reads queries; the passage index stays", PASSAGES,
        keeps_passage_vectors=True, static_rate=3e-4,
    ),
    "drift": Method(
        _drift, "all weights, held near the base, and the mean drift of queries taken off; the passage index stays",
        BOTH, keeps_passage_vectors=True,
    ),
}  # fmt: skip


def method(name: str) -> Method:
    """Return the method of that name."""
    if name not in METHODS:
        raise UnknownName("method", name, list(METHODS))
    return METHODS[name]


def check_architecture(name: str, architecture: Architecture) -> None:
    """Raise BadSetting unless students of that architecture can be trained as that method."""
    if method(name) is not METHODS["full"] and architecture is not DENSE:
        raise BadSetting(
            f"Method {name!r} is for dense students, and this base is a {architecture.name} one.", "Choose full."
        )


def make(name: str, material: MethodInputs) -> MethodParts:
    """Make a student of a method from a base; raises BadSetting where the two, or the settings, do not go together."""
    chosen = method(name)
    if material.rank is not None and chosen.rank is None:
        ranked = " or ".join(other for other, each in METHODS.items() if each.rank is not None)
        raise BadSetting(f"rank is {material.rank}, but a student of method {name!r} has none.", f"Choose {ranked}.")
    if material.max_tokens is not None and not chosen.encodes:
        raise BadSetting(
            f"max_tokens is {material.max_tokens}, but method {name!r} reads finished vectors of whole texts.",
            "Leave it out.",
        )
    if chosen.needs_vectors and material.base.truncate_dim is not None:
        raise BadSetting(
            f"The base cuts its vectors to {material.base.truncate_dim} numbers, which method {name!r} cannot follow.",
            "Choose method full or lora.",
        )
    return chosen.make(material)
