"""A causal language model whose attention is read: token ids in, how much of it falls on each of them out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.errors import BadSetting, ModelUnavailable
from workbench.teachers.likelihood.causal import TOLERANCE, load, probe_ids
from workbench.teachers.likelihood.tokens import start_ids

# Stands for the passages while a chat template is written out, to see what comes before them.
PLACEHOLDER = "\ue000"


class Ending(NamedTuple):
    """What follows the passages as token ids; the last `of_query` of them are the query's."""

    ids: list[int]
    of_query: int


class AttentionModel:
    """A causal language model with its tokenizer, checked on a probe when it is loaded."""

    def __init__(self, folder: Path, dtype: str, device: str) -> None:
        self._tokenizer, model = load(folder, dtype)
        try:
            self._model = model.eval().to(device)
        except (RuntimeError, AssertionError) as error:
            raise BadSetting(f"The model does not go onto the device {device!r}: {error}", "Try 'cpu'.") from error
        self._device = device
        self._reader = self._model.base_model
        self._usual = self._model.config._attn_implementation
        self.beginning = self._beginning()
        self._probe(folder)

    @property
    def limit(self) -> int | None:
        """Return how many tokens model and tokenizer allow, None if neither has a limit."""
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        # A tokenizer without a limit of its own reports 1e30.
        limits = [limit for limit in (positions, self._tokenizer.model_max_length) if limit and 0 < limit < 1e9]
        return int(min(limits)) if limits else None

    def ids(self, text: str) -> list[int]:
        """Return the token ids of a stretch of text; special tokens spelled in it are read as text."""
        encoded = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, truncation=False, verbose=False
        )
        ids: list[int] = encoded["input_ids"]
        return ids

    @torch.inference_mode()
    def attention(self, context: Sequence[int], endings: Sequence[Ending]) -> NDArray[np.float64]:
        """Return how much each ending's query attends to each token of the context, (endings, tokens).

        It is the mean over the query's tokens, summed over layers and heads. The context is read once; then the weights
        of the endings' tokens alone are in memory: layers x heads x tokens of ending x tokens of context.
        """
        ids = torch.tensor([list(context)], device=self._device)
        try:
            cache = self._reader(input_ids=ids, use_cache=True).past_key_values
            cache.batch_repeat_interleave(len(endings))
            return self._of_endings(endings, cache, len(context))
        except torch.OutOfMemoryError as error:
            reason = f"A prompt of {len(context):,} tokens does not fit the memory of {self._device}."
            raise BadSetting(reason, "Lower max_tokens, or take a smaller model.") from error

    def _of_endings(self, endings: Sequence[Ending], cache: Any, tokens: int) -> NDArray[np.float64]:
        width = max(len(ending.ids) for ending in endings)
        # Causal attention makes right padding exact.
        ids = torch.tensor([ending.ids + [0] * (width - len(ending.ids)) for ending in endings], device=self._device)
        self._model.set_attn_implementation("eager")  # the one that gives weights
        try:
            weights = self._reader(
                input_ids=ids, past_key_values=cache, use_cache=True, output_attentions=True
            ).attentions
        finally:
            self._model.set_attn_implementation(self._usual)
        sums = np.zeros((len(endings), tokens))
        for layer in weights or ():
            for row, ending in enumerate(endings):
                end = len(ending.ids)
                of_query = layer[row, :, end - ending.of_query : end].float().mean(1).sum(0)
                # A layer with a sliding window has weights for the last tokens alone.
                seen = len(of_query) - width
                sums[row, tokens - min(seen, tokens) :] += of_query[max(0, seen - tokens) : seen].double().cpu().numpy()
        return sums

    @torch.inference_mode()
    def _probe(self, folder: Path) -> None:
        ids = probe_ids(self._model, self.limit)
        hidden: Tensor = self._reader(input_ids=ids).last_hidden_state[:, :-1]
        if not hidden.isfinite().all():
            raise ModelUnavailable(f"{folder} gives no finite numbers in {hidden.dtype}.", "Try dtype float32.")
        if (hidden[0] - hidden[1]).abs().max() > TOLERANCE[hidden.dtype] * hidden.abs().max().clamp(min=1):
            reason = f"{folder} reads ahead: a later token changes what it makes of those before."
            raise ModelUnavailable(reason, "Only causal language models can be asked for their attention.")
        if not self.attention(ids[0, :4].tolist(), [Ending(ids[0, 4:6].tolist(), 1)]).any():
            reason = f"{folder} gives no attention weights."
            raise ModelUnavailable(reason, "Take a model whose layers attend, in transformers' eager implementation.")

    def _beginning(self) -> list[int]:
        """Return what comes before a user's first words: the chat template's beginning, else BOS or nothing."""
        if not self._tokenizer.chat_template:
            return [int(token) for token in start_ids(self._tokenizer, None)]
        turns = [{"role": "user", "content": PLACEHOLDER}]
        rendered: str = self._tokenizer.apply_chat_template(turns, tokenize=False)
        before = rendered.partition(PLACEHOLDER)[0]
        ids: list[int] = self._tokenizer(before, add_special_tokens=False)["input_ids"]
        return ids
