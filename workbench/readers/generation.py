"""A causal language model in memory that continues prompts, the likeliest token after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import StoppingCriteria

from workbench.errors import BadSetting
from workbench.teachers.chat.generation import end_ids, generation_config, halved_to_fit
from workbench.teachers.likelihood.causal import CausalModel
from workbench.teachers.likelihood.tokens import Ids


class Completer(CausalModel):
    """A causal language model with its tokenizer that writes up to the end of a line."""

    def __init__(self, folder: Path, dtype: str, device: str) -> None:
        super().__init__(folder, dtype, device)
        self._ends = end_ids(self._model, self.tokenizer)
        # A model's own defaults (penalties, sampling) would otherwise be filled in.
        self._model.generation_config = generation_config()

    def complete(self, prompts: Sequence[Ids], max_new_tokens: int) -> list[str]:
        """Return how each of some prompts of one length goes on, up to the end of its first line.

        What does not fit a GPU's memory is halved and tried again.
        """
        try:
            return halved_to_fit(lambda some: self._complete(some, max_new_tokens), prompts)
        except torch.OutOfMemoryError as error:
            reason = f"A prompt of {len(prompts[0]):,} tokens does not fit the memory of {self._device}."
            raise BadSetting(reason, "Set max_tokens, or take a smaller model.") from error

    @torch.inference_mode()
    def _complete(self, prompts: Sequence[Ids], max_new_tokens: int) -> list[str]:
        ids = torch.from_numpy(np.stack(prompts).astype(np.int64)).to(self._device)
        width = ids.shape[1]
        written: Tensor = self._model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            stopping_criteria=[_EndOfLine(self.tokenizer, width)],
            generation_config=generation_config(
                max_new_tokens=max_new_tokens,
                do_sample=False,
                eos_token_id=self._ends or None,
                pad_token_id=self._ends[0] if self._ends else 0,
                use_cache=True,
            ),
        )
        texts = self.tokenizer.batch_decode(written[:, width:], skip_special_tokens=True)
        return [_first_line(text) for text in texts]


class _EndOfLine(StoppingCriteria):
    """Ends a row whose text behind the prompt has a line break after its first word."""

    def __init__(self, tokenizer: Any, width: int) -> None:
        self._tokenizer, self._width = tokenizer, width

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        texts = self._tokenizer.batch_decode(input_ids[:, self._width :], skip_special_tokens=True)
        return torch.tensor(["\n" in text.lstrip() for text in texts], device=input_ids.device)


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "").strip()
