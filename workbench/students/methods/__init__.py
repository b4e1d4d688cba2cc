"""Methods: how a base becomes what is trained, and what was trained becomes a folder that anybody can open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pkgutil import resolve_name

from workbench.errors import BadSetting, UnknownName
from workbench.students.architectures import DENSE, Architecture, Task
from workbench.students.methods.method import NO_VECTORS, Method, MethodInputs, MethodParts, TextVectors

__all__ = [
    "METHODS",
    "NO_VECTORS",
    "PASSAGES",
    "Method",
    "MethodInputs",
    "MethodParts",
    "TextVectors",
    "check_architecture",
    "make",
    "method",
]

PASSAGES: frozenset[Task] = frozenset({"document"})
BOTH: frozenset[Task] = frozenset({"query", "document"})
METHODS: dict[str, Method] = {
    "full": Method(
        "workbench.students.methods.full:full",
        "all weights, for queries and passages alike; of a static base its table and token weights",
    ),
    "lora": Method(
        "workbench.students.methods.lora:lora",
        "low-rank changes to a transformer's layers, merged when saved",
        rank=16, learning_rate=3e-4,
    ),
    "adapter": Method(
        "workbench.students.methods.adapter:adapter",
        "a low-rank change to finished vectors of both sides, in seconds",
        BOTH, trains_encoder=False, rank=32, learning_rate=1e-3, static_rate=1e-3,
    ),
    "query_adapter": Method(
        "workbench.students.methods.adapter:query_adapter",
        "a low-rank change to finished query vectors; the passage index stays",
        BOTH, trains_encoder=False, keeps_passage_vectors=True, rank=32, learning_rate=1e-4, static_rate=1e-4,
    ),
    "query_only": Method(
        "workbench.students.methods.sides:query_only",
        "all weights of a copy that encodes queries; the passage index stays",
        PASSAGES, keeps_passage_vectors=True, static_rate=3e-4,
    ),
    "drift": Method(
        "workbench.students.methods.drift:drift",
        "all weights, held near the base, and the mean drift of queries taken off; the passage index stays",
        BOTH, keeps_passage_vectors=True,
    ),
}  # fmt: skip


def method(name: str) -> Method:
    """Return the method of that name; raises UnknownName."""
    if name not in METHODS:
        raise UnknownName("method", name, list(METHODS))
    return METHODS[name]


def check_architecture(name: str, architecture: Architecture) -> None:
    """Raise BadSetting unless students of that architecture can be trained by that method."""
    if method(name) is not METHODS["full"] and architecture is not DENSE:
        raise BadSetting(
            f"Method {name!r} is for dense students, and this base is a {architecture.name} one.", "Choose full."
        )


def make(name: str, inputs: MethodInputs) -> MethodParts:
    """Make a student by a method; raises BadSetting where method, base and settings do not go together."""
    chosen = method(name)
    if inputs.rank is not None and chosen.rank is None:
        ranked = " or ".join(other for other in METHODS if METHODS[other].rank is not None)
        raise BadSetting(f"rank is {inputs.rank}, but a student of method {name!r} has none.", f"Choose {ranked}.")
    if inputs.max_tokens is not None and not chosen.trains_encoder:
        raise BadSetting(
            f"max_tokens is {inputs.max_tokens}, but method {name!r} changes finished vectors of whole texts.",
            "Leave it out.",
        )
    if chosen.base_vectors and inputs.base.truncate_dim is not None:
        raise BadSetting(
            f"The base cuts its vectors to {inputs.base.truncate_dim} numbers, which method {name!r} cannot follow.",
            "Choose method full or lora.",
        )
    if inputs.rank is None:
        dimension = None if chosen.trains_encoder else inputs.passages.vectors.shape[1]
        inputs = replace(inputs, rank=chosen.default_rank(dimension))
    implementation: Callable[[MethodInputs], MethodParts] = resolve_name(chosen.implementation)
    return implementation(inputs)
