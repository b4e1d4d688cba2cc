"""Adapters: e' = e + U Vᵀ e on finished vectors; encoders are frozen, and the change is saved as a dense layer."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Module, Normalize
from torch import Tensor, nn

from workbench.errors import BadSetting
from workbench.students.methods.method import MethodInputs, MethodParts
from workbench.students.methods.sides import StoredVectors, assembled, normalises, routed, side


class LowRank(Module):
    """Adds a low-rank linear function of a vector to it; at first U is zero, and vectors pass unchanged."""

    def __init__(self, dimension: int, rank: int, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        start = torch.Generator().manual_seed(seed)
        self.u = nn.Parameter(torch.zeros(dimension, rank))
        self.v = nn.Parameter(torch.linalg.qr(torch.randn(dimension, rank, generator=start)).Q.contiguous())

    def forward(self, features: dict[str, Tensor], **kwargs: Any) -> dict[str, Tensor]:
        """Return e + U Vᵀ e for vectors (n, d)."""
        vectors = features["sentence_embedding"]
        return features | {"sentence_embedding": vectors + (vectors @ self.v) @ self.u.T}

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Refuse, as the merged layer is saved."""
        raise NotImplementedError("A low-rank change is saved as the dense layer that merged() returns.")

    def merged(self) -> Dense:
        """Return I + U Vᵀ as sentence-transformers' own layer (d, d)."""
        weight = torch.eye(len(self.u)) + (self.u @ self.v.T).detach().cpu()
        return Dense(len(weight), len(weight), bias=False, activation_function=nn.Identity(), init_weight=weight)


def adapter(inputs: MethodInputs) -> MethodParts:
    """Train one low-rank change to the finished vectors of queries and passages alike."""
    base, change = inputs.base, _change(inputs)
    stored = routed([StoredVectors(inputs.queries)], [StoredVectors(inputs.passages)], base)
    model = assembled([*stored.children(), change], base)

    def to_save() -> SentenceTransformer:
        return assembled([*base.children(), *_after(change, list(base.children()))], base)

    return MethodParts(model, to_save, to_evaluate=lambda: model)


def query_adapter(inputs: MethodInputs) -> MethodParts:
    """Train a low-rank change to the finished vectors of queries; passages keep the base's, and any index of them."""
    base, change = inputs.base, _change(inputs)
    model = routed([StoredVectors(inputs.queries), change], [StoredVectors(inputs.passages)], base)
    queries, passages = side(base, "query"), side(base, "document")

    def to_save() -> SentenceTransformer:
        return routed([*queries, *_after(change, queries)], passages, base)

    return MethodParts(model, to_save, to_evaluate=lambda: model)


def _change(inputs: MethodInputs) -> LowRank:
    dimension = inputs.passages.vectors.shape[1]
    rank = inputs.rank or dimension
    if rank > dimension:
        raise BadSetting(
            f"rank is {rank}, but the base's vectors have {dimension} numbers.", f"Choose a rank up to {dimension}."
        )
    return LowRank(dimension, rank, inputs.seed)


def _after(change: LowRank, modules: list[nn.Module]) -> list[nn.Module]:
    """Return the modules to follow a base's: the change, and unit length again where the base had it."""
    return [change.merged(), *([Normalize()] if normalises(modules) else [])]
