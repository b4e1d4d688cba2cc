"""Query drift compensation: a new query encoder for an old passage index (QDC, arXiv 2506.00037)."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize
from torch import Tensor, nn

from workbench.students.architectures import Task
from workbench.students.methods.method import MethodInputs, MethodParts
from workbench.students.methods.sides import StoredVectors, normalises, routed, side


def drift(inputs: MethodInputs) -> MethodParts:
    """Train all weights near the base, then move queries back by the mean way they went.

    In training one encoder encodes both sides, and the trainer pulls its vectors towards the base's, which `anchor`
    returns. The student consists of that encoder for queries, followed by q - drift as a dense layer, where drift is
    the mean of q_new - q_old over the training queries (unit vectors); and of the base, unchanged, for passages, so
    that its index stays valid. The new vectors of passages only help training. What would be saved is evaluated.
    """
    base = inputs.base
    stored: dict[Task, StoredVectors] = {
        "query": StoredVectors(inputs.queries),
        "document": StoredVectors(inputs.passages),
    }
    frozen = side(copy.deepcopy(base), "document")
    training_queries = list(inputs.training_queries)
    old = torch.tensor(inputs.queries.vectors)[stored["query"].preprocess(training_queries)["input_ids"]]

    def queries() -> list[nn.Module]:
        new = base.encode_query(
            training_queries, normalize_embeddings=True, convert_to_tensor=True, show_progress_bar=False
        )
        modules = side(base, "query")
        return [*modules, *_compensated((new.cpu() - old).mean(dim=0), normalises(modules))]

    def anchor(task: Task, texts: Sequence[str]) -> Tensor:
        return stored[task].vectors[stored[task].preprocess(texts)["input_ids"]]

    def to_save() -> SentenceTransformer:
        return routed(queries(), frozen, base)

    def to_evaluate() -> SentenceTransformer:
        return routed(queries(), [stored["document"]], base)

    return MethodParts(base, to_save, to_evaluate, anchor)


def _compensated(shift: Tensor, normalised: bool) -> list[nn.Module]:
    """Return the layers that subtract a drift (d,) from a unit vector, normalised again if the base's were."""
    eye, bias = torch.eye(len(shift)), -shift.clone()
    subtract = Dense(len(shift), len(shift), activation_function=nn.Identity(), init_weight=eye, init_bias=bias)
    return [subtract, Normalize()] if normalised else [Normalize(), subtract]
