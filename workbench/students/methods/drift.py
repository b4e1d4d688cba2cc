"""Query drift compensation: a new query encoder for an old passage index (QDC, arXiv 2506.00037)."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize
from torch import Tensor, nn

from workbench.students.methods import MethodInputs, MethodParts, Task
from workbench.students.methods.sides import StoredVectors, normalises, routed, side


def drift(material: MethodInputs) -> MethodParts:
    """Train all weights near the base, then move queries back by the mean way they went.

    While it is trained, one encoder reads both sides, and the trainer pulls its vectors towards the base's, which
    `anchor` returns. What is kept: that encoder for queries, followed by q - drift as a dense layer, where drift is
    the mean of q_new - q_old over the training queries (unit vectors); and the base, unchanged, for passages, so that
    its index stays valid. What is not kept: the new vectors of passages, which only help training. Judged is what
    would be saved.
    """
    base, remembered = (
        material.base,
        {"query": StoredVectors(material.queries), "document": StoredVectors(material.passages)},
    )
    frozen = side(copy.deepcopy(base), "document")
    training_queries = list(material.training_queries)
    old = torch.tensor(material.queries.vectors)[remembered["query"].preprocess(training_queries)["input_ids"]]

    def queries() -> list[nn.Module]:
        new = base.encode_query(
            training_queries, normalize_embeddings=True, convert_to_tensor=True, show_progress_bar=False
        )
        return [*(own := side(base, "query")), *_compensated((new.cpu() - old).mean(dim=0), normalises(own))]

    def anchor(task: Task, texts: Sequence[str]) -> Tensor:
        of = remembered[task]
        return of.vectors[of.preprocess(texts)["input_ids"]]

    def saved() -> SentenceTransformer:
        return routed(queries(), frozen, base)

    def judged() -> SentenceTransformer:
        return routed(queries(), [remembered["document"]], base)

    return MethodParts(base, saved, judged, anchor)


def _compensated(shift: Tensor, normalised: bool) -> list[nn.Module]:
    """Return the layers that take a drift (d,) off a vector, at unit length before and, if the base was so, after."""
    eye, bias = torch.eye(len(shift)), -shift.clone()
    off = Dense(len(shift), len(shift), activation_function=nn.Identity(), init_weight=eye, init_bias=bias)
    return [off, Normalize()] if normalised else [Normalize(), off]
