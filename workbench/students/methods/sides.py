"""The two sides of a retriever: taken apart, put together, remembered; and the kind that trains one of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import InputModule, Normalize, Router
from torch import Tensor, nn

from workbench.errors import BadSetting
from workbench.students.methods import MethodInputs, MethodParts, Task, TextVectors


class StoredVectors(InputModule):
    """Looks up the unit vectors of known texts in place of encoding them; never saved.

    Prompts are in the vectors already. The table is a buffer, so that it goes to the model's device and counts for
    what tells one training from another.
    """

    vectors: Tensor

    def __init__(self, known: TextVectors) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.register_buffer("vectors", torch.tensor(known.vectors), persistent=False)
        self.rows = {text: row for row, text in enumerate(known.texts)}

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Return the rows of texts; a text that is not known is a caller's bug."""
        return {"input_ids": torch.tensor([self.rows[text] for text in inputs])}

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Return the vectors of rows."""
        return features | {"sentence_embedding": self.vectors[features["input_ids"]]}

    def get_embedding_dimension(self) -> int:
        """Return d."""
        return self.vectors.shape[1]

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Refuse: a student is saved with an encoder in its place."""
        raise NotImplementedError("StoredVectors vectors are not part of a student.")


def side(model: SentenceTransformer, task: Task) -> list[nn.Module]:
    """Return the modules that read one side's texts, in order, routers resolved."""
    found: list[nn.Module] = []
    for module in model.children():
        if not isinstance(module, Router):
            found.append(module)
        elif module.route_mappings:
            raise BadSetting("The base routes by more than query and document.", "Choose kind full.")
        else:
            route = task if task in module.sub_modules else str(module.default_route)
            found.extend(module.sub_modules[route].children())
    return found


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
    """Tell whether what comes out of modules is of unit length."""
    return isinstance(modules[-1], Normalize)


def query_only(material: MethodInputs) -> MethodParts:
    """Train a copy of the base that reads queries; the base reads passages, and nothing of them is encoded again."""
    base = material.base
    queries, passages = copy.deepcopy(side(base, "query")), side(base, "document")
    model = routed(queries, [StoredVectors(material.passages)], base)
    return MethodParts(model, saved=lambda: routed(queries, passages, base), judged=lambda: model)
