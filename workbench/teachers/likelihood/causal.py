"""A causal language model in memory: token ids in, log-likelihoods of their last tokens out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from workbench.errors import BadSetting, ModelUnavailable
from workbench.hub import without_loading_bars
from workbench.teachers.likelihood.past import Past
from workbench.teachers.likelihood.sharing import Continuation
from workbench.teachers.likelihood.tokens import Ids

# Rows of a vocabulary's width that are turned to float32 at once: 512 x 150,000 x 4 bytes = 0.3 GB.
ROWS_AT_ONCE = 512
# Tokens that two more forwards of few sequences cost beside one of a full batch; launching work on a GPU takes longer.
FORWARD_COST = {"cpu": 32, "cuda": 512}
# The longest sliding window that the probe reads over the end of.
LONGEST_PROBE = 1024
# How far two ways to the same logits may differ, relative to the largest, in each arithmetic.
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}


class CausalModel:
    """A causal language model with its tokenizer, checked on a probe when it is loaded.

    The model's own head is run on the answers' positions alone where the probe shows that this gives the same numbers
    as the whole forward; else all logits are computed and those positions taken. In the same way `reuses_keys` says
    whether keys and values of a common beginning can stand in for reading it again.
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
        self.reuses_keys = self._reuse_is_exact()

    @property
    def limit(self) -> int | None:
        """Return how many tokens model and tokenizer allow, None if neither has a limit."""
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        # A tokenizer without a limit of its own reports 1e30.
        limits = [limit for limit in (positions, self.tokenizer.model_max_length) if limit and 0 < limit < 1e9]
        return int(min(limits)) if limits else None

    @property
    def forward_cost(self) -> int | None:
        """Return how many tokens must be saved for two more forwards to pay; None where keys cannot be reused."""
        if not self.reuses_keys:
            return None
        return FORWARD_COST["cuda" if self._device.startswith("cuda") else "cpu"]

    def log_likelihoods(self, continuations: Sequence[Continuation], token_budget: int, shared: int = 0) -> list[float]:
        """Return the log-likelihood of each answer after its prompt, in nats, summed over its tokens.

        The first `shared` tokens, with which all of them begin, are read once. At most `token_budget` padded tokens,
        shared ones counted for each sequence, are in memory at once, but always one sequence. What does not fit a
        GPU's memory is halved and tried again.
        """
        if not continuations:
            return []
        try:
            past = self._past(continuations[0].prompt[:shared]) if shared else None
        except torch.OutOfMemoryError as error:
            raise self._too_long(shared) from error
        return self._within(continuations, token_budget, past)

    def _within(self, continuations: Sequence[Continuation], token_budget: int, past: Past | None) -> list[float]:
        width = max(one.length for one in continuations)
        if len(continuations) > 1 and len(continuations) * width > token_budget:
            size = max(1, token_budget // width)
            parts = [continuations[at : at + size] for at in range(0, len(continuations), size)]
            return [value for part in parts for value in self._within(part, token_budget, past)]
        try:
            return self._forward(continuations, past)
        except torch.OutOfMemoryError as error:
            if len(continuations) == 1:
                raise self._too_long(width) from error
        torch.cuda.empty_cache()
        return self._within(continuations, width * (len(continuations) // 2), past)

    def _too_long(self, tokens: int) -> BadSetting:
        reason = f"A sequence of {tokens} tokens does not fit the memory of {self._device}."
        return BadSetting(reason, "Lower max_passage_tokens, or take a smaller model.")

    @torch.inference_mode()
    def _forward(self, batch: Sequence[Continuation], past: Past | None) -> list[float]:
        start = past.length if past else 0
        ids = np.zeros((len(batch), max(one.length for one in batch) - start), dtype=np.int64)
        mask = np.ones((len(batch), start + ids.shape[1]), dtype=np.int64)
        for row, one in enumerate(batch):
            ids[row, : one.length - start] = np.concatenate([one.prompt[start:], one.answer[:-1]])
            mask[row, one.length :] = 0
        rows = np.repeat(np.arange(len(batch)), [len(one.answer) for one in batch])
        columns = np.concatenate([np.arange(len(one.prompt) - 1, one.length) for one in batch]) - start
        targets = self._on_device(np.concatenate([one.answer for one in batch]).astype(np.int64))
        ids_here, mask_here, rows_here, columns_here = map(self._on_device, (ids, mask, rows, columns))
        cache = past.repeated(len(batch)) if past else None
        logits = self._logits(ids_here, mask_here, rows_here, columns_here, cache)
        log_likelihoods = np.zeros(len(batch))
        for at in range(0, len(rows), ROWS_AT_ONCE):
            part = slice(at, at + ROWS_AT_ONCE)
            of_targets = logits[part].float().log_softmax(-1).gather(1, targets[part, None])[:, 0]
            np.add.at(log_likelihoods, rows[part], of_targets.double().cpu().numpy())
        return [float(value) for value in log_likelihoods]

    @torch.inference_mode()
    def _past(self, beginning: Ids) -> Past:
        """Return the keys and values of a beginning; no logits but one position's are computed."""
        ids = self._on_device(beginning[None].astype(np.int64))
        reader = self._model.base_model if self._head_on_answers else self._model
        read = reader(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=True)
        return Past(read.past_key_values, len(beginning))

    def _logits(self, ids: Tensor, mask: Tensor, rows: Tensor, columns: Tensor, cache: Any = None) -> Tensor:
        """Return (N, V) logits of N positions of a (B, L) batch; causal attention makes right padding exact.

        `cache` holds keys and values of what stands before the batch, and is changed; `mask` covers both.
        """
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        if cache is not None:
            inputs |= {"past_key_values": cache, "use_cache": True}
        if not self._head_on_answers:
            whole: Tensor = self._model(**inputs).logits
            return whole[rows, columns]

        def select_positions(_module: Any, _args: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state[rows, columns][None]
            return output

        hook = self._model.base_model.register_forward_hook(select_positions)
        try:
            logits: Tensor = self._model(**inputs).logits
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

    @torch.inference_mode()
    def _reuse_is_exact(self) -> bool:
        """Return whether two sequences of unlike length come out the same with and without a shared beginning."""
        config = self._model.config.get_text_config()
        # Long enough to leave a sliding window, where that takes a moment only.
        window = getattr(config, "sliding_window", None) or 0
        size = min(12 + (window if window <= LONGEST_PROBE else 0), self.limit or 12)
        half = size // 2
        if half < 4:
            return False
        ids = (1 + torch.arange(size, device=self._device) % (config.vocab_size - 2)).repeat(2, 1)
        mask = torch.ones_like(ids)
        mask[1, -2:] = 0
        rows, columns = torch.tensor([[0, 0, 1], [half, size - 1, size - 3]], device=self._device)
        try:
            read = self._logits(ids, mask, rows, columns)
            past = self._past(ids[0, :half].cpu().numpy())
            return _same(read, self._logits(ids[:, half:], mask, rows, columns - half, past.repeated(2)))
        except (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            # An architecture that keeps something else than keys and values, or cannot go on from them.
            return False

    def _on_device(self, array: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def load(folder: Path, dtype: str) -> tuple[Any, Any]:
    """Return the tokenizer and the causal language model in a folder; raises ModelUnavailable if it is none."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with without_loading_bars():
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
