"""A chat with a transformers model on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench import machine
from workbench.hub import model_folder
from workbench.teachers.chat.protocol import Prompt, Reply
from workbench.teachers.likelihood import checkpoint

if TYPE_CHECKING:
    from workbench.teachers.chat.generation import Generator

# What changes a reply beside configuration, tokenizer and weights.
READ = ("generation_config.json", "chat_template.jinja", "chat_template.json")
TOO_LONG = "the prompt, with room for the reply, is longer than the model's"
# Prompts that are tokenised and sorted by length together.
PROMPTS_AT_ONCE = 1024


class _Sequence(NamedTuple):
    """A prompt as token ids, with its position among the prompts that were asked."""

    position: int
    prompt: Prompt
    ids: list[int]

    @property
    def length(self) -> int:
        """Return the tokens of prompt and reply."""
        return len(self.ids) + self.prompt.max_tokens

    @property
    def kind(self) -> tuple[int, float]:
        """Return what the sequences of a batch share."""
        return self.prompt.max_tokens, self.prompt.temperature


class LocalChat:
    """Answers prompts with a causal language model of transformers, by hub name or folder.

    The tokenizer's chat template is used where it has one; a model without one continues the text of the messages.
    Replies do not depend on what else is in a batch beyond rounding: a sampled one is drawn with a seed of its own,
    made of `seed` and the prompt. At most `token_budget` padded tokens of prompts and replies are in memory at once,
    but always one sequence.
    """

    def __init__(
        self, model: str | Path, dtype: str = "auto", device: str = "auto", seed: int = 0, token_budget: int = 8192
    ) -> None:
        self._folder = model_folder(str(model), checkpoint.FILES)
        self._device = machine.best_device() if device == "auto" else device
        self._dtype = checkpoint.dtype_of(dtype, self._device)
        self._seed = seed
        self._token_budget = token_budget
        name = f"{checkpoint.model_name(model, self._folder, READ)}-{self._dtype}"
        self._name = f"{name}-seed{seed}" if seed else name
        self._generator: Generator | None = None

    @property
    def name(self) -> str:
        """Return model, fingerprint of its files, dtype and seed as one word without colons."""
        return self._name

    def answers(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        """Yield each prompt's position and its reply once, batch by batch, the longest first."""
        for start in range(0, len(prompts), PROMPTS_AT_ONCE):
            generator = self._open()
            sequences = []
            for position, prompt in enumerate(prompts[start : start + PROMPTS_AT_ONCE], start):
                one = _Sequence(position, prompt, generator.ids(prompt.messages))
                if generator.limit is not None and one.length > generator.limit:
                    yield position, Reply("", error=f"{TOO_LONG} {generator.limit:,} tokens")
                else:
                    sequences.append(one)
            for batch in _batches(sequences, self._token_budget):
                replies = generator.replies([(one.ids, one.prompt) for one in batch])
                yield from zip((one.position for one in batch), replies, strict=True)

    def _open(self) -> Generator:
        if self._generator is None:
            from workbench.teachers.chat.generation import Generator

            self._generator = Generator(self._folder, self._dtype, self._device, self._seed)
        return self._generator


def _batches(sequences: Sequence[_Sequence], token_budget: int) -> Iterator[list[_Sequence]]:
    """Yield sequences of one kind and like length together, the longest first."""
    batch: list[_Sequence] = []
    for one in sorted(sequences, key=lambda one: (one.kind, -one.length)):
        is_full = batch and (len(batch) + 1) * batch[0].length > token_budget
        if batch and (is_full or one.kind != batch[0].kind):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
