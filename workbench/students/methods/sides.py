"""The two sides of a retriever, apart and together, or their stored vectors; and the method that trains queries'."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import InputModule, Normalize, Router
from torch import Tensor, nn

from workbench.columns.texts import DistinctTexts
from workbench.errors import BadSetting
from workbench.students.architectures import Task
from workbench.students.methods.method import MethodInputs, MethodParts, TextVectors


class StoredVectors(InputModule):
    """Looks up the unit vectors of texts in place of encoding them; never saved.

    Prompts are in the vectors already. The table is a buffer, so that it goes to the model's device and counts for
    the fingerprint of a training.
    """

    vectors: Tensor

    def __init__(self, stored: TextVectors) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.register_buffer("vectors", torch.from_numpy(stored.vectors), persistent=False)
        self.texts = stored.texts if isinstance(stored.texts, DistinctTexts) else DistinctTexts(stored.texts)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Return the rows of texts; one without a vector is a caller's bug."""
        return {"input_ids": torch.from_numpy(self.texts.find(inputs).astype(np.int64))}

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Return the vectors of rows."""
        return features | {"sentence_embedding": self.vectors[features["input_ids"]]}

    def get_embedding_dimension(self) -> int:
        """Return d."""
        return self.vectors.shape[1]

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Refuse: a student is saved with an encoder in its place."""
        raise NotImplementedError("Stored vectors are not part of a student.")


def side(model: SentenceTransformer, task: Task) -> list[nn.Module]:
    """Return the modules that encode one side's texts, in order, routers resolved."""
    modules: list[nn.Module] = []
    for module in model.children():
        if not isinstance(module, Router):
            modules.append(module)
        elif module.route_mappings:
            raise BadSetting("The base routes by more than query and document.", "Choose method full.")
        else:
            route = task if task in module.sub_modules else str(module.default_route)
            modules.extend(module.sub_modules[route].children())
    return modules


def routed(query: Sequence[nn.Module], document: Sequence[nn.Module], like: SentenceTransformer) -> SentenceTransformer:
    """Return a model of two sides; modules that are the same object in both are one, on disk too."""
    return assembled([Router.for_query_document(list(query), list(document))], like)  # type: ignore[arg-type]


def assembled(modules: Sequence[nn.Module], like: SentenceTransformer) -> SentenceTransformer:
    """Return a model of modules with another's device, prompts and similarity."""
    return SentenceTransformer(
        modules=list(modules),
        device=str(like.device),
        prompts={name: prompt for name, prompt in like.prompts.items() if prompt},
        default_prompt_name=like.default_prompt_name,
        similarity_fn_name=like.similarity_fn_name,
    )


def normalises(modules: Sequence[nn.Module]) -> bool:
    """Return whether the output of modules has unit length."""
    return isinstance(modules[-1], Normalize)


def query_only(inputs: MethodInputs) -> MethodParts:
    """Train a copy of the base that encodes queries; the base encodes passages, none of them again."""
    base = inputs.base
    queries, passages = copy.deepcopy(side(base, "query")), side(base, "document")
    model = routed(queries, [StoredVectors(inputs.passages)], base)
    return MethodParts(model, to_save=lambda: routed(queries, passages, base), to_evaluate=lambda: model)
