"""What judging takes, found out with replies that are made up."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from workbench.teachers.chat.protocol import Prompt, Reply
from workbench.teachers.endpoint.budget import Usage
from workbench.teachers.judge.settings import JudgeSettings

CHARACTERS_OF_A_TOKEN = 4  # about, in English


class DryRun:
    """A chat that asks nobody and adds up about what asking would take.

    Comparisons fall out by chance, their two orders alike, and selections carry on as much as can be.
    """

    name = "dry-run"

    def __init__(self, settings: JudgeSettings, usage: Usage) -> None:
        self.usage = usage
        self._form = settings.form
        self._random = random.Random(settings.seed)
        labels = ", ".join(f"[{number}]" for number in range(1, settings.window - settings.stride + 1))
        self._selection = f"My selection: {labels or 'none'}"

    def answers(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        """Yield a reply to each prompt that keeps the questions coming."""
        better = "A"
        for position, prompt in enumerate(prompts):
            characters = sum(len(message.content) for message in prompt.messages)
            self.usage = self.usage.plus(Usage(1, characters // CHARACTERS_OF_A_TOKEN, prompt.max_tokens))
            # A comparison's two orders come one after the other.
            better = self._random.choice("AB") if position % 2 == 0 else {"A": "B", "B": "A"}[better]
            yield position, Reply(better if self._form == "pairwise" else self._selection)
