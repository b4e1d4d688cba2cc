"""Adapters: e' = e + U Vᵀ e on finished vectors; encoders stand still, and what is saved is a dense layer."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Module, Normalize
from torch import Tensor, nn

from workbench.errors import BadSetting
from workbench.students.methods import METHODS, MethodInputs, MethodParts
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
        """Refuse: what is saved is the merged layer."""
        raise NotImplementedError("A low-rank change is saved as the dense layer that merged() returns.")

    def merged(self) -> Dense:
        """Return I + U Vᵀ as sentence-transformers' own layer (d, d)."""
        weight = torch.eye(len(self.u)) + (self.u @ self.v.T).detach().cpu()
        return Dense(len(weight), len(weight), bias=False, activation_function=nn.Identity(), init_weight=weight)


def adapter(material: MethodInputs) -> MethodParts:
    """Train one low-rank change to the finished vectors of queries and passages alike."""
    base, change = material.base, _change(material)
    remembered = routed([StoredVectors(material.queries)], [StoredVectors(material.passages)], base)
    model = assembled([*remembered.children(), change], base)

    def saved() -> SentenceTransformer:
        return assembled([*base.children(), *_after(change, list(base.children()))], base)

    return MethodParts(model, saved, judged=lambda: model)


def query_adapter(material: MethodInputs) -> MethodParts:
    """Train a low-rank change to the finished vectors of queries; passages keep the base's, and any index of them."""
    base, change = material.base, _change(material)
    model = routed([StoredVectors(material.queries), change], [StoredVectors(material.passages)], base)
    queries, passages = side(base, "query"), side(base, "document")

    def saved() -> SentenceTransformer:
        return routed([*queries, *_after(change, queries)], passages, base)

    return MethodParts(model, saved, judged=lambda: model)


def _change(material: MethodInputs) -> LowRank:
    dimension = material.passages.vectors.shape[1]
    rank = material.rank or min(METHODS["adapter"].rank or dimension, dimension)
    if rank > dimension:
        raise BadSetting(
            f"rank is {rank}, but the base's vectors have {dimension} numbers.", f"Choose a rank up to {dimension}."
        )
    return LowRank(dimension, rank, material.seed)


def _after(change: LowRank, modules: list[nn.Module]) -> list[nn.Module]:
    """Return what follows a base's modules: the change, and unit length again where the base had it."""
    return [change.merged(), *([Normalize()] if normalises(modules) else [])]
