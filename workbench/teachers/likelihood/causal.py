"""A causal language model in memory: token ids in, log-likelihoods of their last tokens out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from workbench.errors import BadSetting, ModelUnavailable
from workbench.teachers.likelihood.tokens import Ids

# Rows of a vocabulary's width that are turned to float32 at once: 512 x 150,000 x 4 bytes = 0.3 GB.
ROWS_AT_ONCE = 512
# How far two ways to the same logits may differ, relative to the largest, in each arithmetic.
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}


class Continuation(NamedTuple):
    """A prompt and the tokens to be scored behind it, both at least one token long."""

    prompt: Ids
    answer: Ids

    @property
    def length(self) -> int:
        """Return how many tokens the model reads: all but the last, whose successor is not scored."""
        return len(self.prompt) + len(self.answer) - 1


class CausalModel:
    """A causal language model with its tokenizer, checked on a probe when it is loaded.

    The model's own head is run on the answers' positions alone where the probe shows that this gives the same numbers
    as the whole forward; else all logits are computed and those positions taken.
    """

    def __init__(self, folder: Path, dtype: str, device: str) -> None:
        self.tokenizer, self._model = load(folder, dtype)
        try:
            self._model = self._model.eval().to(device)
        except (RuntimeError, AssertionError) as error:
            raise BadSetting(f"The model does not go onto the device {device!r}: {error}", "Try 'cpu'.") from error
        self._model.config.use_cache = False
        self._device = device
        self._head_on_answers = self._model.base_model is not self._model
        self._probe(folder)

    @property
    def limit(self) -> int | None:
        """Return how many tokens model and tokenizer allow, None if neither has a limit."""
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        # A tokenizer without a limit of its own reports 1e30.
        limits = [limit for limit in (positions, self.tokenizer.model_max_length) if limit and 0 < limit < 1e9]
        return int(min(limits)) if limits else None

    def log_likelihoods(self, continuations: Sequence[Continuation], token_budget: int) -> list[float]:
        """Return the log-likelihood of each answer after its prompt, in nats, summed over its tokens.

        At most `token_budget` padded tokens go through the model at once, but always one sequence. What does not fit
        a GPU's memory is halved and tried again.
        """
        if not continuations:
            return []
        width = max(one.length for one in continuations)
        if len(continuations) > 1 and len(continuations) * width > token_budget:
            size = max(1, token_budget // width)
            parts = [continuations[at : at + size] for at in range(0, len(continuations), size)]
            return [value for part in parts for value in self.log_likelihoods(part, token_budget)]
        try:
            return self._forward(continuations)
        except torch.OutOfMemoryError as error:
            if len(continuations) == 1:
                reason = f"A sequence of {width} tokens does not fit the memory of {self._device}."
                raise BadSetting(reason, "Lower max_passage_tokens, or take a smaller model.") from error
        torch.cuda.empty_cache()
        return self.log_likelihoods(continuations, width * (len(continuations) // 2))

    @torch.inference_mode()
    def _forward(self, batch: Sequence[Continuation]) -> list[float]:
        ids = np.zeros((len(batch), max(one.length for one in batch)), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(batch):
            ids[row, : one.length] = np.concatenate([one.prompt, one.answer[:-1]])
            mask[row, : one.length] = 1
        rows = np.repeat(np.arange(len(batch)), [len(one.answer) for one in batch])
        columns = np.concatenate([np.arange(len(one.prompt) - 1, one.length) for one in batch])
        targets = self._on_device(np.concatenate([one.answer for one in batch]).astype(np.int64))
        logits = self._logits(*map(self._on_device, (ids, mask, rows, columns)))
        log_likelihoods = np.zeros(len(batch))
        for at in range(0, len(rows), ROWS_AT_ONCE):
            part = slice(at, at + ROWS_AT_ONCE)
            of_targets = logits[part].float().log_softmax(-1).gather(1, targets[part, None])[:, 0]
            np.add.at(log_likelihoods, rows[part], of_targets.double().cpu().numpy())
        return [float(value) for value in log_likelihoods]

    def _logits(self, ids: Tensor, mask: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Return (N, V) logits of N positions of a (B, L) batch; causal attention makes right padding exact."""
        if not self._head_on_answers:
            whole: Tensor = self._model(input_ids=ids, attention_mask=mask).logits
            return whole[rows, columns]

        def select_positions(_module: Any, _args: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state[rows, columns][None]
            return output

        hook = self._model.base_model.register_forward_hook(select_positions)
        try:
            logits: Tensor = self._model(input_ids=ids, attention_mask=mask).logits
        finally:
            hook.remove()
        return logits[0]

    @torch.inference_mode()
    def _probe(self, folder: Path) -> None:
        size = min(12, self.limit or 12)
        span = self._model.config.get_text_config().vocab_size - 2
        ids = 1 + torch.arange(2 * size, device=self._device).reshape(2, size) % span
        ids[1, :-1] = ids[0, :-1]
        whole: Tensor = self._model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        if not whole.isfinite().all():
            raise ModelUnavailable(f"{folder} gives no finite numbers in {whole.dtype}.", "Try dtype float32.")
        if not _same(whole[0, :-1], whole[1, :-1]):
            reason = f"{folder} reads ahead: a later token changes what it expects before."
            raise ModelUnavailable(reason, "Only causal language models can score answers.")
        if not self._head_on_answers:
            return
        rows = torch.tensor([0, 0, 1], device=self._device)
        columns = torch.tensor([0, size // 2, size - 1], device=self._device)
        try:
            selected = self._logits(ids, torch.ones_like(ids), rows, columns)
            self._head_on_answers = selected.shape == (3, whole.shape[-1]) and _same(selected, whole[rows, columns])
        except (AttributeError, IndexError, RuntimeError, TypeError):
            # An architecture that builds its logits in another way than hidden states through a head.
            self._head_on_answers = False

    def _on_device(self, array: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def load(folder: Path, dtype: str) -> tuple[Any, Any]:
    """Return the tokenizer and the causal language model in a folder; raises ModelUnavailable if it is none."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except Exception as error:  # transformers raises whatever its parts raise; all mean that it cannot be opened
        reason = f"{folder} does not open as a causal language model: {type(error).__name__}: {error}"
        raise ModelUnavailable(reason, "Check that its type is one transformers knows.") from error
    model, report = loaded
    if absent := sorted([*report["missing_keys"], *map(str, report["mismatched_keys"])]):
        reason = f"{folder} lacks weights of a causal language model, {absent[0]} among {len(absent)}."
        raise ModelUnavailable(reason, "An encoder alone cannot score answers.")
    return tokenizer, model


def _same(logits: Tensor, others: Tensor) -> bool:
    tolerance = TOLERANCE[logits.dtype]
    return bool((logits - others).abs().max() <= tolerance * logits.abs().max().clamp(min=1))
