"""What every form of judgement needs of a query: prompts, orders, and rows of what came of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from workbench.records import Group, Passage, Scored, Utility
from workbench.teachers.chat.protocol import Prompt
from workbench.teachers.judge.asking import Asking, NoJudgement
from workbench.teachers.judge.prompts import JudgePrompt
from workbench.teachers.judge.settings import JudgeSettings

# A passage's value, or why it has none.
Judged = float | NoJudgement
ALONE = NoJudgement("failed", "it is the only candidate of its query, so there is nothing to compare it with")


class Judging(NamedTuple):
    """One query with the passages to be judged, and how; passages are named by their position in `passages`."""

    group: Group
    passages: tuple[Passage, ...]
    settings: JudgeSettings
    prompt: JudgePrompt
    teacher: str

    def asked(self, values: Mapping[str, str], choices: Sequence[str] = ()) -> Prompt:
        """Return the prompt about this query with its other fields filled in."""
        messages = self.prompt.messages({"query": self.group.query.text.strip(), **values})
        return Prompt(messages, self.prompt.max_tokens, self.prompt.temperature, tuple(choices))

    def listed(self, positions: Sequence[int], labels: Sequence[str]) -> dict[str, str]:
        """Return the fields of a prompt that shows several passages, each under its label."""
        written = [
            self.prompt.written(self.read(position), label) for position, label in zip(positions, labels, strict=True)
        ]
        return {"passages": "\n\n".join(written), "count": str(len(written))}

    def read(self, position: int) -> Passage:
        """Return a passage as far as the judge reads it."""
        passage, most = self.passages[position], self.settings.max_passage_words
        return passage if most is None else passage._replace(text=" ".join(passage.text.split()[:most]))

    def order(self, sample: int = 0) -> list[int]:
        """Return the passages in the retriever's order, in which they are handed over, or in one of the shuffled ones.

        A shuffled one is the same for the same seed and query.
        """
        positions = list(range(len(self.passages)))
        if self.settings.shuffled:
            random.Random(f"{self.settings.seed}:{sample}:{self.group.query.query_id}").shuffle(positions)
        return positions

    def windows(self, sample: int) -> list[list[int]]:
        """Return an order in as few windows of like size as hold it.

        A shuffled one is cut. The retriever's is dealt out, each window in its order: what is judged within windows
        that hold the best and the worst apart could not be compared.
        """
        order = self.order(sample)
        parts = -(-len(order) // self.settings.window)
        if not self.settings.shuffled:
            return [order[part::parts] for part in range(parts)]
        borders = [len(order) * part // parts for part in range(parts + 1)]
        return [order[start:end] for start, end in pairwise(borders)]

    def rows(self, judgements: Asking[Sequence[Judged]]) -> Asking[list[Scored]]:
        """Ask for judgements of all passages and return them as rows; one that fails as a whole fails for all."""
        try:
            values = yield from judgements
        except NoJudgement as ending:
            values = [ending] * len(self.passages)
        return [self._row(position, value) for position, value in enumerate(values)]

    def _row(self, position: int, value: Judged) -> Scored:
        passage = self.passages[position]
        query_id = self.group.query.query_id
        if isinstance(value, NoJudgement):
            return value.failure(query_id, passage.passage_id, self.teacher)
        most = self.settings.max_passage_words
        unread = max(0, len(passage.text.split()) - most) if most is not None else 0
        return Utility(query_id, passage.passage_id, self.teacher, value, truncated=unread)
