"""A causal language model in memory that writes: conversations to token ids, batches of them to replies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from workbench.errors import BadSetting
from workbench.teachers.chat.protocol import Message, Prompt, Reply
from workbench.teachers.likelihood.causal import load
from workbench.teachers.likelihood.tokens import start_ids

T = TypeVar("T")
R = TypeVar("R")
# Breaks the spelling of a special token that stands in a passage's text, so that it is read as text.
JOINER = "\u2060"
# What a model without a chat template is asked to go on from.
PLAIN_END = "\n\nAnswer:"


class Generator:
    """A causal language model with its tokenizer, which answers batches of prompts."""

    def __init__(self, folder: Path, dtype: str, device: str, seed: int) -> None:
        self._tokenizer, self._model = load(folder, dtype)
        try:
            self._model = self._model.eval().to(device)
        except (RuntimeError, AssertionError) as error:
            raise BadSetting(f"The model does not go onto the device {device!r}: {error}", "Try 'cpu'.") from error
        self._device, self._seed = device, seed
        self._start = start_ids(self._tokenizer, None).tolist()
        self._ends = end_ids(self._model, self._tokenizer)
        # A model's own defaults (penalties, top_p) would otherwise be filled in behind the prompt's back.
        self._model.generation_config = generation_config()

    @property
    def limit(self) -> int | None:
        """Return how many tokens model and tokenizer allow for prompt and reply, None if neither has a limit."""
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        # A tokenizer without a limit of its own reports 1e30.
        limits = [limit for limit in (positions, self._tokenizer.model_max_length) if limit and 0 < limit < 1e9]
        return int(min(limits)) if limits else None

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the token ids of a conversation up to where the reply begins."""
        spelled = [Message(message.role, self._without_special(message.content)) for message in messages]
        if not self._tokenizer.chat_template:
            text = "\n\n".join(message.content for message in spelled) + PLAIN_END
            ids = self._encode(text)
            return ids if ids[: len(self._start)] == self._start else [*self._start, *ids]
        return self._encode(self._rendered(spelled))

    def replies(self, batch: Sequence[tuple[list[int], Prompt]]) -> list[Reply]:
        """Return the replies to prompts that share their longest reply and temperature.

        What does not fit a GPU's memory is halved and tried again.
        """
        try:
            return halved_to_fit(self._generate, batch)
        except torch.OutOfMemoryError as error:
            longest = max(len(ids) for ids, _ in batch)
            reason = f"A prompt of {longest:,} tokens does not fit the memory of {self._device}."
            raise BadSetting(reason, "Take fewer passages at once, or a smaller model.") from error

    @torch.inference_mode()
    def _generate(self, batch: Sequence[tuple[list[int], Prompt]]) -> list[Reply]:
        width = max(len(ids) for ids, _ in batch)
        pad = self._ends[0] if self._ends else 0
        ids = torch.tensor([[pad] * (width - len(ids)) + ids for ids, _ in batch], device=self._device)
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids, _ in batch], device=self._device)
        prompts = [prompt for _, prompt in batch]
        first = _FirstLogits()
        processors = LogitsProcessorList([first])
        if prompts[0].temperature:
            seeds = [_sampling_seed(self._seed, prompt) for prompt in prompts]
            processors.append(_Sampling(prompts[0].temperature, seeds))
        written: Tensor = self._model.generate(
            input_ids=ids,
            attention_mask=mask,
            logits_processor=processors,
            generation_config=generation_config(
                max_new_tokens=prompts[0].max_tokens,
                do_sample=False,
                eos_token_id=self._ends or None,
                pad_token_id=pad,
                use_cache=True,
            ),
        )
        texts = self._tokenizer.batch_decode(written[:, width:], skip_special_tokens=True)
        rows = first.logits.log_softmax(-1)
        return [
            Reply(text, self._choice_log_probabilities(prompt.choices, row))
            for text, prompt, row in zip(texts, prompts, rows, strict=True)
        ]

    def _choice_log_probabilities(self, choices: Sequence[str], row: Tensor) -> dict[str, float] | None:
        if not choices:
            return None
        tokens = {choice: self._first_tokens(choice) for choice in choices}
        if len(set().union(*tokens.values())) < sum(map(len, tokens.values())):
            reason = f"This model's tokenizer begins two of {', '.join(choices)} with the same token."
            raise BadSetting(reason, "Take choices that differ in their first token, such as single letters.")
        return {choice: float(row[sorted(first)].logsumexp(0)) for choice, first in tokens.items()}

    def _first_tokens(self, choice: str) -> set[int]:
        """Return the tokens that may begin a choice: with a space before it, and without."""
        spelled = [self._encode(choice), self._encode(f" {choice}")]
        visible = [[token for token in tokens if self._tokenizer.decode([token]).strip()] for tokens in spelled]
        return {tokens[0] for tokens in visible if tokens}

    def _rendered(self, messages: Sequence[Message]) -> str:
        from jinja2 import TemplateError

        def render(turns: Sequence[Message]) -> str:
            text: str = self._tokenizer.apply_chat_template(
                [{"role": turn.role, "content": turn.content} for turn in turns],
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,  # known to templates of models that can be told not to; others ignore it
            )
            return text

        try:
            return render(messages)
        except TemplateError:
            # Some templates know no system role.
            if messages[0].role != "system" or len(messages) == 1:
                raise
            first = Message("user", f"{messages[0].content}\n\n{messages[1].content}")
            return render([first, *messages[2:]])

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
        return ids

    def _without_special(self, text: str) -> str:
        special = {*self._tokenizer.all_special_tokens, *self._tokenizer.get_added_vocab()}
        for token in sorted(special, key=len, reverse=True):
            if token.strip() and token in text:
                text = text.replace(token, token[0] + JOINER + token[1:])
        return text


class _FirstLogits(LogitsProcessor):
    """Keeps the logits of the reply's first position, (B, V), and changes nothing."""

    logits: Tensor

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        if not hasattr(self, "logits"):
            self.logits = scores.float()
        return scores


class _Sampling(LogitsProcessor):
    """Adds Gumbel noise, so that the largest logit is a sample; each row draws from a seed of its own.

    Sampling by the library draws a whole batch from one state, and a reply would depend on its neighbours.
    """

    def __init__(self, temperature: float, seeds: Sequence[int]) -> None:
        self._temperature = temperature
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        uniform = torch.stack([torch.rand(scores.shape[1], generator=one) for one in self._generators])
        noise = -torch.log(-torch.log(uniform.clamp(min=1e-20, max=1 - 1e-7)))
        return scores.float() / self._temperature + noise.to(scores.device)


def generation_config(**options: Any) -> Any:
    """Return how transformers generates: the library's class has no types."""
    untyped: Any = GenerationConfig
    return untyped(**options)


def end_ids(model: Any, tokenizer: Any) -> list[int]:
    """Return the tokens that end a reply, as the model's and the tokenizer's files say."""
    ends = model.generation_config.eos_token_id if model.generation_config else None
    listed = ends if isinstance(ends, list) else [ends]
    ids = dict.fromkeys([*listed, tokenizer.eos_token_id])
    # A configuration's default may lie outside a small vocabulary.
    return [int(token) for token in ids if token is not None and token < model.config.get_text_config().vocab_size]


def halved_to_fit(generate: Callable[[Sequence[T]], list[R]], batch: Sequence[T]) -> list[R]:
    """Return what is generated for a batch; what does not fit a GPU's memory is halved and tried again.

    Raises torch.OutOfMemoryError where a single item does not fit.
    """
    try:
        return generate(batch)
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise
    torch.cuda.empty_cache()
    half = len(batch) // 2
    return halved_to_fit(generate, batch[:half]) + halved_to_fit(generate, batch[half:])


def _sampling_seed(seed: int, prompt: Prompt) -> int:
    """Return the seed that one prompt's reply is drawn with."""
    return int.from_bytes(sha256(repr((seed, tuple(prompt))).encode()).digest()[:8]) >> 1
