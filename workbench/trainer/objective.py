"""The objective: from a student's vectors of a batch to a loss, in sentence-transformers' form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from sentence_transformers.sparse_encoder.losses import FlopsLoss
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
from torch import Tensor, nn
from torch.nn.functional import cosine_embedding_loss

from workbench.errors import BadSetting
from workbench.losses import loss, teacher_distribution
from workbench.students import architectures
from workbench.trainer.batches import NEGATIVE
from workbench.trainer.batches.collator import input_module
from workbench.trainer.reading import Encode, Reader, joined

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from workbench.trainer.resolved import ResolvedSettings

TASKS = ("query", "document")
# Weights of the FLOPS regularisation of a sparse student's queries and passages: SparseEncoderTrainer's default. They
# grow with the square of the steps over the first third of a training, as SPLADE's did (arXiv 2109.10086).
FLOPS = {"query": 5e-5, "document": 3e-5}
FLOPS_WARMUP = 1 / 3


class Objective(nn.Module):
    """A loss in the form that the trainer calls: features of queries and passages and (B, N) targets in, scalar out.

    A batch is read in parts, as memory allows: see Reader. `batch_losses` gathers the loss of each call, and the
    mean entropy of its teacher's rows in nats. `done` is the share of the steps that are done.

    Similarities are those of the student's architecture: cosines, MaxSim as a mean over a query's tokens, or dot
    products in units of 20; vectors of the last are held sparse by FLOPS (Paria et al., arXiv 2004.05665).
    """

    def __init__(self, model: SentenceTransformer, settings: ResolvedSettings) -> None:
        super().__init__()
        self.model: Any = model
        self.architecture = architectures.of(model)
        if settings.chunk is not None:
            _check_chunk(model)
        self.flops = {task: weight for task, weight in FLOPS.items() if _is_regularised(model, task)}
        self.done = 0.0
        self.loss = loss(settings.loss)
        self.teacher_temperature, self.student_temperature = settings.teacher_temperature, settings.student_temperature
        self.reader = Reader(model, model.device, settings.chunk, fixed=settings.deterministic)
        self.anchors: list[Tensor | None] = []
        self.batch_losses: list[tuple[float, float]] = []

    def forward(self, sentence_features: Sequence[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Return the loss of one batch, and what holds its vectors near their anchors."""
        self.anchors = [features.pop("anchor", None) for features in sentence_features]
        sides = self.reader.read(
            [(self._encoder(task), side) for task, side in zip(TASKS, sentence_features, strict=True)]
        )
        return self.reader.connect(self._loss([joined(parts) for parts in sides], labels), sides)

    def _encoder(self, task: str) -> Encode:
        """Return what maps the features of one side's texts to what its vectors are compared by."""
        named = {"task": task} if self.architecture.takes_task else {}
        return lambda features: self.architecture.outputs(self.model(features, **named))

    def _loss(self, vectors: Sequence[Any], labels: Tensor) -> Tensor:
        """Return the loss of the vectors of queries and of passages; similarities are in float32."""
        queries, passages = vectors
        with torch.autocast(labels.device.type, enabled=False):
            similarities = self.architecture.training_similarities(queries, passages) / self.architecture.unit
            utilities = labels.masked_fill(~labels.isfinite(), float("-inf"))
            negatives = similarities.masked_fill(labels != NEGATIVE, float("-inf"))
            value: Tensor = self.loss(
                similarities,
                utilities,
                negatives,
                teacher_temperature=self.teacher_temperature,
                student_temperature=self.student_temperature,
            )
            value = value + self._regularisation(vectors)
            p = teacher_distribution(utilities, self.teacher_temperature)
        self.batch_losses.append((value.item(), torch.special.entr(p).sum(dim=1).mean().item()))
        return value

    def _regularisation(self, vectors: Sequence[Any]) -> Tensor | float:
        """Return the distance of vectors to their anchors, and the FLOPS of sparse ones."""
        value: Tensor | float = 0.0
        for side, anchor in zip(vectors, self.anchors, strict=True):
            if anchor is not None:
                value = value + cosine_embedding_loss(side.float(), anchor, torch.ones(len(anchor)).to(anchor))
        ramp = min(1.0, self.done / FLOPS_WARMUP) ** 2
        for task, side in zip(TASKS, vectors, strict=True):
            if task in self.flops:
                flops = FlopsLoss(self.model).compute_loss_from_embeddings(side.float())
                value = value + ramp * self.flops[task] * flops
        return value


def _check_chunk(model: SentenceTransformer) -> None:
    """Raise BadSetting unless a batch can be read in parts."""
    if any(isinstance(module, StaticEmbedding) for module in model.modules()):
        raise BadSetting("chunk is set, but a static student holds no layers in memory.", "Leave it out.")


def _is_regularised(model: SentenceTransformer, task: str) -> bool:
    """Return whether a side's vectors are sparse and learned; those of a table of token weights have one a token."""
    return architectures.of(model) is architectures.SPARSE and not isinstance(
        input_module(model, task), SparseStaticEmbedding
    )
