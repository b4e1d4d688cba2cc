"""A causal language model in memory: token ids in, log-likelihoods of their last tokens out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from workbench.errors import BadSetting, ModelUnavailable
from workbench.hub import without_loading_bars
from workbench.teachers.likelihood.packing import Layout, lay_out
from workbench.teachers.likelihood.past import Past
from workbench.teachers.likelihood.sharing import Continuation, Sharing
from workbench.teachers.likelihood.tokens import Ids

# Rows of a vocabulary's width that are turned to float32 at once: on a CPU what stays in its cache, five times quicker
# than 512; on a GPU 512 x 150,000 x 4 bytes = 0.3 GB.
ROWS_AT_ONCE = {"cpu": 4, "cuda": 512}
# Logits in memory at once, of answers' positions over the vocabulary, but always those of one row: in float32 0.3 GB
# on a CPU and 2 GB on a GPU.
LOGITS_AT_ONCE = {"cpu": 2**26, "cuda": 2**29}
# Tokens in a row that holds several continuations: the more, the fewer rows, but each token attends to all of them.
ROW_TOKENS = {"cpu": 256, "cuda": 1024}
# Tokens that two more forwards of few sequences cost beside one of a full batch; launching work on a GPU takes longer.
FORWARD_COST = {"cpu": 32, "cuda": 512}
# The longest sliding window that the probe reads over the end of.
LONGEST_PROBE = 1024
# How far two ways to the same logits may differ, relative to the largest, in each arithmetic.
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}
# What an architecture that is asked for what it does not do may raise.
CANNOT = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class CausalModel:
    """A causal language model with its tokenizer, checked on a probe when it is loaded.

    The model's own head is run on the answers' positions alone where the probe shows that this gives the same numbers
    as the whole forward; else all logits are computed and those positions taken. In the same way `reuses_keys` says
    whether keys and values of a common beginning can stand in for reading it again, and `reads_trees` whether one row
    can hold several continuations, each token seeing its own.
    """

    def __init__(self, folder: Path, dtype: str, device: str) -> None:
        self.tokenizer, self._model = load(folder, dtype)
        try:
            self._model = self._model.eval().to(device)
        except (RuntimeError, AssertionError) as error:
            raise BadSetting(f"The model does not go onto the device {device!r}: {error}", "Try 'cpu'.") from error
        self._model.config.use_cache = False
        self._device = device
        self._device_kind = "cuda" if device.startswith("cuda") else "cpu"
        self._head_on_answers = self._model.base_model is not self._model
        self._probe(folder)
        self.reuses_keys, self.reads_trees = self._exact_sharing()

    @property
    def limit(self) -> int | None:
        """Return how many tokens model and tokenizer allow, None if neither has a limit."""
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        # A tokenizer without a limit of its own reports 1e30.
        limits = [limit for limit in (positions, self.tokenizer.model_max_length) if limit and 0 < limit < 1e9]
        return int(min(limits)) if limits else None

    @property
    def sharing(self) -> Sharing:
        """Return how what continuations begin with alike is read once, and from which saving on that pays."""
        kind = self._device_kind
        return Sharing(FORWARD_COST[kind] if self.reuses_keys else None, ROW_TOKENS[kind] if self.reads_trees else 0)

    def log_likelihoods(
        self,
        continuations: Sequence[Continuation],
        token_budget: int,
        shared: int = 0,
        rows: Sequence[int] | None = None,
    ) -> list[float]:
        """Return the log-likelihood of each answer after its prompt, in nats, summed over its tokens.

        The first `shared` tokens, with which all of them begin, are read once. `rows` counts how many continuations
        stand in each row, as a tree; unless given, each has its own. At most `token_budget` padded tokens, shared ones
        counted for each row, and LOGITS_AT_ONCE are in memory at once, but always one row. What does not fit a GPU's
        memory is halved and tried again.
        """
        if not continuations:
            return []
        try:
            past = self._past(continuations[0].prompt[:shared]) if shared else None
        except torch.OutOfMemoryError as error:
            raise self._too_long(shared) from error
        ends = list(accumulate(rows or [1] * len(continuations)))
        filled = [continuations[start:end] for start, end in pairwise([0, *ends])]
        return self._within(filled, token_budget, past)

    def _within(self, rows: Sequence[Sequence[Continuation]], token_budget: int, past: Past | None) -> list[float]:
        layout = lay_out(rows, past.length if past else 0)
        width = layout.ids.shape[1] + (past.length if past else 0)
        positions = LOGITS_AT_ONCE[self._device_kind] // self._model.config.get_text_config().vocab_size
        size = max(1, min(token_budget // width, len(rows) * positions // len(layout.rows)))
        if size >= len(rows):
            try:
                return self._forward(layout, past)
            except torch.OutOfMemoryError as error:
                if len(rows) == 1 == len(rows[0]):
                    raise self._too_long(width) from error
            torch.cuda.empty_cache()
            rows, size = ([[one] for row in rows for one in row], 1) if len(rows) == 1 else (rows, len(rows) // 2)
        parts = [rows[at : at + size] for at in range(0, len(rows), size)]
        return [value for part in parts for value in self._within(part, token_budget, past)]

    def _too_long(self, tokens: int) -> BadSetting:
        reason = f"A sequence of {tokens} tokens does not fit the memory of {self._device}."
        return BadSetting(reason, "Lower max_passage_tokens, or take a smaller model.")

    @torch.inference_mode()
    def _forward(self, layout: Layout, past: Past | None) -> list[float]:
        logits = self._logits(layout, past)
        scored, targets = self._on_device(layout.scored), self._on_device(layout.targets)
        size = ROWS_AT_ONCE[self._device_kind]
        parts = [logits[at : at + size].float().logsumexp(-1) for at in range(0, len(logits), size)]
        normalisers = torch.cat(parts)
        values = (logits[scored, targets].float() - normalisers[scored]).double().cpu().numpy()
        return [float(value) for value in np.bincount(layout.owners, values)]

    @torch.inference_mode()
    def _past(self, beginning: Ids) -> Past:
        """Return the keys and values of a beginning; no logits but one position's are computed."""
        ids = self._on_device(beginning[None].astype(np.int64))
        reader = self._model.base_model if self._head_on_answers else self._model
        read = reader(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=True)
        return Past(read.past_key_values, len(beginning))

    def _logits(self, layout: Layout, past: Past | None = None) -> Tensor:
        """Return (N, V) logits of a layout's scored positions; causal attention makes right padding exact."""
        rows, columns = self._on_device(layout.rows), self._on_device(layout.columns)
        inputs: dict[str, Any] = {"input_ids": self._on_device(layout.ids)} | self._attention(layout)
        if past is not None:
            inputs |= {"past_key_values": past.repeated(len(layout.ids)), "use_cache": True}
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

    def _attention(self, layout: Layout) -> dict[str, Tensor]:
        """Return what a model is told of positions and what they see; of trees, what is added to attention weights."""
        if layout.visible.ndim == 2:
            return {"attention_mask": self._on_device(layout.visible.astype(np.int64))}
        dtype = self._model.dtype
        hidden = torch.zeros(layout.visible.shape, dtype=dtype, device=self._device)
        hidden.masked_fill_(~self._on_device(layout.visible), torch.finfo(dtype).min)
        return {"attention_mask": hidden[:, None], "position_ids": self._on_device(layout.positions)}

    @torch.inference_mode()
    def _probe(self, folder: Path) -> None:
        ids = probe_ids(self._model, self.limit)
        size = ids.shape[1]
        whole: Tensor = self._model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        if not whole.isfinite().all():
            raise ModelUnavailable(f"{folder} gives no finite numbers in {whole.dtype}.", "Try dtype float32.")
        if not _same(whole[0, :-1], whole[1, :-1]):
            reason = f"{folder} reads ahead: a later token changes what it expects before."
            raise ModelUnavailable(reason, "Only causal language models can score answers.")
        if not self._head_on_answers:
            return
        layout = lay_out([[Continuation(row[: size // 2], row[size // 2 :])] for row in ids.cpu().numpy()], 0)
        try:
            selected, read = self._logits(layout), whole[layout.rows, layout.columns]
            self._head_on_answers = selected.shape == read.shape and _same(selected, read)
        except CANNOT:
            # An architecture that builds its logits in another way than hidden states through a head.
            self._head_on_answers = False

    def _exact_sharing(self) -> tuple[bool, bool]:
        """Return whether continuations come out the same behind kept keys and values, and as trees in one row."""
        config = self._model.config.get_text_config()
        # Long enough to leave a sliding window, where that takes a moment only.
        window = getattr(config, "sliding_window", None) or 0
        size = min(12 + (window if window <= LONGEST_PROBE else 0), self.limit or 12)
        half = size // 2
        if half < 4:
            return False, False
        ids = (1 + np.arange(size) % (config.vocab_size - 2)).astype(np.int32)
        long, short = Continuation(ids[:-3], ids[-3:]), Continuation(ids[: half + 1], ids[half + 1 : half + 2])
        branch = Continuation(np.append(ids[: half + 1], ids[0]), ids[:2])
        reuses_keys = self._agrees([[long], [short]], half)
        # A tree's mask is the same in every layer, and has no window.
        reach = [getattr(config, name, None) or np.inf for name in ("sliding_window", "attention_chunk_size")]
        if min(reach) < (self.limit or np.inf):
            return reuses_keys, False
        trees = [[long, branch], [short]]
        return reuses_keys, self._agrees(trees, 0) and (not reuses_keys or self._agrees(trees, half))

    @torch.inference_mode()
    def _agrees(self, rows: Sequence[Sequence[Continuation]], shared: int) -> bool:
        """Return whether continuations come out the same behind their shared tokens, or as trees, as each in a row."""
        try:
            alone = lay_out([[one] for row in rows for one in row], 0)
            layout = lay_out(rows, shared)
            past = self._past(rows[0][0].prompt[:shared]) if shared else None
            return _same(self._logits(alone)[alone.scored], self._logits(layout, past)[layout.scored])
        except CANNOT:
            # An architecture that keeps something else than keys and values, or cannot go on from them, or that has
            # masks of its own.
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


def probe_ids(model: Any, limit: int | None) -> Tensor:
    """Return two sequences of up to 12 tokens that differ in the last one, for a model to be tried on."""
    size = min(12, limit or 12)
    span = model.config.get_text_config().vocab_size - 2
    ids: Tensor = 1 + torch.arange(2 * size, device=model.device).reshape(2, size) % span
    ids[1, :-1] = ids[0, :-1]
    return ids


def _same(logits: Tensor, others: Tensor) -> bool:
    tolerance = TOLERANCE[logits.dtype]
    return bool((logits - others).abs().max() <= tolerance * logits.abs().max().clamp(min=1))
