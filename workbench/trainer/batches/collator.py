"""The collator: from slots of batches to the tensors that a student reads, in sentence-transformers' form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.base.modules import InputModule, Router
from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from torch import Tensor, nn

from workbench.errors import BadSetting
from workbench.students.architectures import Task
from workbench.trainer.batches.draw import Batches

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# sentence-transformers' own order of preference in encode_document
PASSAGE_PROMPTS = ("document", "passage", "corpus")
# Texts whose tokens are remembered: with those of passages of a hundred words 200 MB.
MOST_REMEMBERED = 100_000
# Texts of a side to the vectors that a student's are pulled towards.
Anchor = Callable[[Task, Sequence[str]], Tensor]


def is_routed(model: SentenceTransformer) -> bool:
    """Return whether a student reads queries and passages with different modules."""
    return any(isinstance(module, Router) for module in model.modules())


def input_module(model: SentenceTransformer, task: str) -> nn.Module:
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

    def __init__(self, model: SentenceTransformer, batches: Batches, anchor: Anchor | None = None) -> None:
        super().__init__(preprocess_fn=model.preprocess)
        self.batches = batches
        self.max_tokens = batches.settings.max_tokens
        self.anchor = anchor
        self.routed = is_routed(model)
        self.input_modules: dict[str, Any] = {task: input_module(model, task) for task in ("query", "document")}
        self.static = {task for task, module in self.input_modules.items() if isinstance(module, StaticEmbedding)}
        self.tokens: dict[tuple[str, str], Tensor] = {}  # by task and text
        if self.static and self.max_tokens is not None:
            raise BadSetting("max_tokens is set, but a static student reads whole texts.", "Leave it out.")
        prompts = {name: prompt for name, prompt in model.prompts.items() if prompt}
        self.query_prompt = prompts.get("query", "")
        self.passage_prompt = next((prompts[name] for name in PASSAGE_PROMPTS if name in prompts), "")

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what the student reads of queries and passages, their names prefixed, and the label."""
        batch = self.batches.batch([row["slot"] for row in features])
        tensors: dict[str, Any] = {"label": torch.from_numpy(batch.targets)}
        sides: Sequence[tuple[str, list[str], str, Task]] = (
            ("query", batch.queries, self.query_prompt, "query"),
            ("passage", batch.passages, self.passage_prompt, "document"),
        )
        for name, texts, prompt, task in sides:
            tokenize = self._static_features if task in self.static else self._features
            side = tokenize(texts, prompt, task)
            if self.anchor is not None:
                side["anchor"] = self.anchor(task, texts)
            if self.routed:
                side["task"] = task
            tensors |= {f"{name}_{key}": value for key, value in side.items()}
        return tensors

    def _features(self, texts: list[str], prompt: str, task: str) -> dict[str, Any]:
        """Return what the student's own module makes of texts."""
        limit = {} if self.max_tokens is None else {"max_length": self.max_tokens}
        features: dict[str, Any] = self.input_modules[task].preprocess(texts, prompt=prompt or None, task=task, **limit)
        return features

    def _static_features(self, texts: list[str], prompt: str, task: str) -> dict[str, Any]:
        """Join tokens of texts seen before: to tokenize takes longer than a static student's whole step."""
        if len(self.tokens) > MOST_REMEMBERED:
            self.tokens.clear()
        for text in texts:
            if (task, text) not in self.tokens:
                self.tokens[task, text] = self._features([text], prompt, task)["input_ids"].int()
        tokens = [self.tokens[task, text] for text in texts]
        ends = torch.tensor([len(ids) for ids in tokens]).cumsum(0)
        offsets = torch.cat([torch.zeros(1, dtype=torch.long), ends[:-1]])
        return {"input_ids": torch.cat(tokens).long(), "offsets": offsets}
