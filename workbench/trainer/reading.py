"""From batches to what a student reads, and from what it says to a loss; both in sentence-transformers' form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.base.losses.gradcache import CachedLossMixin
from sentence_transformers.base.modules import InputModule, Router
from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from sentence_transformers.sparse_encoder.losses import FlopsLoss
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
from torch import Tensor, nn
from torch.nn.functional import cosine_embedding_loss

from workbench.errors import BadSetting
from workbench.losses import loss, teacher_distribution
from workbench.students import architectures
from workbench.trainer.batches import NEGATIVE, Batches
from workbench.trainer.settings import TrainSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# sentence-transformers' own order of preference in encode_document
PASSAGE_PROMPTS = ("document", "passage", "corpus")
# What weighs FLOPS regularisation of a sparse student's queries and passages: SparseEncoderTrainer's default. It grows
# with the square of the steps over the first third of a training, as SPLADE's did (arXiv 2109.10086).
FLOPS = {"query": 5e-5, "document": 3e-5}
FLOPS_WARMUP = 1 / 3
# Task ("query" or "document") and texts to vectors that a student is pulled towards.
Anchor = Callable[[str, Sequence[str]], Tensor]


def is_static(model: SentenceTransformer) -> bool:
    """Return whether what a student learns with is a table of token vectors."""
    return any(isinstance(module, StaticEmbedding) for module in model.modules())


def _is_regularised(model: SentenceTransformer, task: str) -> bool:
    """Return whether a side's vectors are sparse and learnt; those of a table of token weights have one a token."""
    return architectures.of(model) is architectures.SPARSE and not isinstance(
        reader(model, task), SparseStaticEmbedding
    )


def is_routed(model: SentenceTransformer) -> bool:
    """Return whether a student reads queries and passages with different modules."""
    return any(isinstance(module, Router) for module in model.modules())


def reader(model: SentenceTransformer, task: str) -> nn.Module:
    """Return what reads the texts of a side: a module where it is plain which, else the model.

    The model and its router would look into each text for the address of a picture or a film, which takes longer than
    a step of a student on finished vectors.
    """
    first = model[0]
    if isinstance(first, Router) and not first.route_mappings:
        route = task if task in first.sub_modules else str(first.default_route)
        first = next(iter(first.sub_modules[route].children()))
    return first if isinstance(first, InputModule) and not isinstance(first, Router) else model


class Collator(SentenceTransformerDataCollator):
    """Turns slots into tensors: each distinct passage of a batch once, and (B, N) targets as the label.

    sentence-transformers' own wants a column for each candidate, and would encode a passage again for each query it
    came with. Prompts are those that encode_query and encode_document would use.
    """

    def __init__(
        self, model: SentenceTransformer, batches: Batches, settings: TrainSettings, anchor: Anchor | None = None
    ) -> None:
        super().__init__(preprocess_fn=model.preprocess)
        self.batches = batches
        self.max_tokens = settings.max_tokens
        self.anchor = anchor
        self.routed = is_routed(model)
        self.readers: dict[str, Any] = {task: reader(model, task) for task in ("query", "document")}
        self.static = {task for task, module in self.readers.items() if isinstance(module, StaticEmbedding)}
        self.tokens: dict[tuple[str, str], Tensor] = {}  # by task and text
        if self.static and settings.max_tokens is not None:
            raise BadSetting("max_tokens is set, but a static student reads whole texts.", "Leave it out.")
        given = {name: prompt for name, prompt in model.prompts.items() if prompt}
        self.query_prompt = given.get("query", "")
        self.passage_prompt = next((given[name] for name in PASSAGE_PROMPTS if name in given), "")

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what the student reads of queries and passages, their names prefixed, and the label."""
        batch = self.batches.batch([row["slot"] for row in features])
        tensors: dict[str, Any] = {"label": torch.from_numpy(batch.targets)}
        for name, texts, prompt, task in (
            ("query", batch.queries, self.query_prompt, "query"),
            ("passage", batch.passages, self.passage_prompt, "document"),
        ):
            read = self._static(texts, prompt, task) if task in self.static else self._read(texts, prompt, task)
            if self.anchor is not None:
                read["anchor"] = self.anchor(task, texts)
            if self.routed:
                read["task"] = task
            tensors |= {f"{name}_{key}": value for key, value in read.items()}
        return tensors

    def _read(self, texts: list[str], prompt: str, task: str) -> dict[str, Any]:
        """Let the student's own module read texts."""
        limit = {} if self.max_tokens is None else {"max_length": self.max_tokens}
        read: dict[str, Any] = self.readers[task].preprocess(texts, prompt=prompt or None, task=task, **limit)
        return read

    def _static(self, texts: list[str], prompt: str, task: str) -> dict[str, Any]:
        """Join kept tokens: reading a text takes longer than a static student's whole step with it."""
        for text in texts:
            if (task, text) not in self.tokens:
                self.tokens[task, text] = self._read([text], prompt, task)["input_ids"].int()
        kept = [self.tokens[task, text] for text in texts]
        ends = torch.tensor([len(each) for each in kept]).cumsum(0)
        offsets = torch.cat([torch.zeros(1, dtype=torch.long), ends[:-1]])
        return {"input_ids": torch.cat(kept).long(), "offsets": offsets}


class Objective(CachedLossMixin, nn.Module):
    """A loss in the architecture the trainer calls: features of queries and passages and (B, N) targets in, scalar out.

    With `chunk` a batch is read in parts and its gradients are kept between two readings: sentence-transformers'
    own machinery, which replays dropout and knows accelerate. `batch_losses` gathers the loss of each call, and the
    mean entropy of its teacher's rows in nats. `done` is the share of the steps that are done.

    Similarities are those of the student's architecture: cosines, MaxSim as a mean over a query's tokens, or dot
    products in units of 20; vectors of the last are held sparse by FLOPS (Paria et al., arXiv 2004.05665).
    """

    def __init__(self, model: SentenceTransformer, settings: TrainSettings) -> None:
        super().__init__()
        self.model = model
        if settings.teacher_temperature is None:
            raise ValueError("The teacher's temperature is still open.")
        if settings.chunk is not None and is_static(model):
            raise BadSetting("chunk is set, but a static student holds no layers in memory.", "Leave it out.")
        self.architecture = architectures.of(model)
        if settings.chunk is not None and self.architecture is architectures.MULTI_VECTOR:
            raise BadSetting("chunk is set, but it cannot keep a multi-vector student's tokens.", "Use accumulate.")
        self.flops = {task: weight for task, weight in FLOPS.items() if _is_regularised(model, task)}
        self.done = 0.0
        self.loss = loss(settings.loss)
        self.teacher_temperature, self.student_temperature = settings.teacher_temperature, settings.student_temperature
        self.uses_gradient_cache = settings.chunk is not None
        self.mini_batch_size = settings.chunk or 0
        self.anchors: list[Tensor | None] = []
        self.batch_losses: list[tuple[float, float]] = []

    def forward(self, sentence_features: Sequence[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Return the loss of one batch, and what holds its vectors near their anchors."""
        self.anchors = [features.pop("anchor", None) for features in sentence_features]
        if self.uses_gradient_cache:
            return self.forward_cached(sentence_features, labels)
        tasks = [{"task": task} if self.architecture.takes_task else {} for task in ("query", "document")]
        pairs = zip(sentence_features, tasks, strict=True)
        return self._compared(
            [self.architecture.outputs(self.model(features, **task)) for features, task in pairs], labels
        )

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """Return the loss of the vectors of all parts; with its gradients, if those are asked for."""
        assert labels is not None
        value = self._compared([torch.cat(parts) for parts in reps], labels)
        if with_backward:
            torch.autograd.backward(value)
            value = value.detach()
        return value

    def _compared(self, vectors: Sequence[Any], labels: Tensor) -> Tensor:
        """Return the loss of what the student said of queries and passages; similarities are in float32."""
        queries, passages = vectors
        with torch.autocast(labels.device.type, enabled=False):
            similarities = self.architecture.training_similarities(queries, passages) / self.architecture.unit
            own = labels.isfinite()
            utilities = labels.masked_fill(~own, float("-inf"))
            negatives = similarities.masked_fill(labels != NEGATIVE, float("-inf"))
            value: Tensor = self.loss(
                similarities,
                utilities,
                negatives,
                teacher_temperature=self.teacher_temperature,
                student_temperature=self.student_temperature,
            )
            for near, anchor in zip(vectors, self.anchors, strict=True):
                if anchor is not None:
                    value = value + cosine_embedding_loss(near.float(), anchor, torch.ones(len(anchor)).to(anchor))
            ramp = min(1.0, self.done / FLOPS_WARMUP) ** 2
            for task, each in zip(("query", "document"), vectors, strict=True):
                if task in self.flops:
                    flops = FlopsLoss(self.model).compute_loss_from_embeddings(each.float())
                    value = value + ramp * self.flops[task] * flops
            p = teacher_distribution(utilities, self.teacher_temperature)
        self.batch_losses.append((value.item(), torch.special.entr(p).sum(dim=1).mean().item()))
        return value
