"""Static students in training: a table of token vectors, and how much frequent tokens weigh against rare ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from torch import Tensor, nn

from workbench.students.methods.method import MethodInputs, MethodParts
from workbench.students.methods.sides import assembled

# Tokens more frequent than this share of the collection lose weight: SIF's a (Arora et al., ICLR 2017).
FREQUENT = 1e-3
# One number moves all weights at once, and by more than a row does in a step; chosen on squad_dev's dev split.
STRIDE = 10.0
TEXTS_AT_ONCE = 1_000


class Weighted(StaticEmbedding):
    """A table whose token t counts (a / (a + p_t)) ** slope times in a text's mean; p_t is its share of a collection.

    The slope is learned: it begins at 0, where all tokens count alike, and ends at 1, which is SIF, at the latest.
    Unlike the rows, which only move for tokens that training shows, it carries over to every text there is.
    """

    rareness: Tensor

    def __init__(self, table: StaticEmbedding, texts: Sequence[str]) -> None:
        super().__init__(table.tokenizer, embedding_weights=table.embedding.weight.detach().clone())
        self.slope = nn.Parameter(torch.zeros(()))
        # A buffer, so that it goes to the model's device and counts for the fingerprint of a training.
        self.register_buffer("rareness", _rareness(table, texts), persistent=False)

    def forward(self, features: dict[str, Tensor], **kwargs: Any) -> dict[str, Tensor]:
        """Return the weighted means of texts, (n, d)."""
        ids, offsets = features["input_ids"], features["offsets"]
        lengths = torch.diff(offsets, append=offsets.new_tensor([len(ids)])).clamp(min=1)
        sums = nn.functional.embedding_bag(
            ids, self.embedding.weight, offsets, mode="sum", per_sample_weights=self._weights()[ids]
        )
        features["sentence_embedding"] = sums / lengths[:, None]
        return features

    def merged(self) -> StaticEmbedding:
        """Return sentence-transformers' own module with each row times its weight, which gives the same vectors."""
        rows = (self.embedding.weight * self._weights()[:, None]).detach().cpu().clone()
        return StaticEmbedding(self.tokenizer, embedding_weights=rows)

    def _weights(self) -> Tensor:
        # From no weights to SIF and no further: the quickest way to a lower loss at first can be to let all texts look
        # alike by what they share, and Adam's momentum would lead far beyond either end.
        with torch.no_grad():
            self.slope.clamp_(0.0, 1.0 / STRIDE)
        return (STRIDE * self.slope * self.rareness).exp()


def weighted(inputs: MethodInputs) -> MethodParts:
    """Train a static base's table and the slope of its token weights; both are saved as one table."""
    base = inputs.base
    table, *rest = base.children()
    assert isinstance(table, StaticEmbedding)
    in_training = Weighted(table, inputs.collection)
    model = assembled([in_training, *rest], base)

    def to_save() -> SentenceTransformer:
        return assembled([in_training.merged(), *rest], base)

    return MethodParts(model, to_save, to_evaluate=lambda: model)


def _rareness(table: StaticEmbedding, texts: Sequence[str]) -> Tensor:
    """Return log(a / (a + p)) for each row of a table: 0 for tokens that never occur, below 0 for frequent ones."""
    counts = torch.zeros(table.num_embeddings, dtype=torch.float64)
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        counts += torch.bincount(
            table.preprocess(list(texts[start : start + TEXTS_AT_ONCE]))["input_ids"], minlength=len(counts)
        )
    shares = counts / counts.sum().clamp(min=1)
    return (FREQUENT / (FREQUENT + shares)).log().float()
