"""Pairs of query and passage as token ids, and the windows and batches in which they are scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workbench.records import Failure, Group, Passage, Query
from workbench.teachers.likelihood.tokens import Ids, PromptTokenizer, truncate

# Tokenised and sorted by length together: enough for even batches, few enough to hold in memory and to start soon.
PAIRS_AT_ONCE = 4096


class Pair(NamedTuple):
    """A query and a passage with all prompts and answers that their utility takes, as token ids."""

    query: Query
    passage: Passage
    prompt: Ids
    prompt_without_passage: Ids
    answers: dict[str, Ids]
    truncated: int

    @property
    def length(self) -> int:
        """Return the tokens of the prompt and its longest answer."""
        return len(self.prompt) + max(map(len, self.answers.values()))


class TokenLimits(NamedTuple):
    """The most tokens of prompt and answer together, and of a passage, None if that has no limit of its own."""

    total: int
    passage: int | None


def pairs_of(
    group: Group, tokenizer: PromptTokenizer, limits: TokenLimits, teacher: str
) -> tuple[list[Pair], list[Failure]]:
    """Return the pairs of a query with its passages, and those that the teacher cannot score, with the reason."""
    answers: dict[str, Ids] = {}
    reason = "the query has no reference answer"
    if any(answer.strip() for answer in group.query.answers):
        answers = {answer: ids for answer in group.query.answers if (ids := tokenizer.answer(answer)) is not None}
        reason = "the model's tokenizer leaves nothing of any reference answer"
    if not answers:
        return [], [Failure(group.query.query_id, passage.passage_id, teacher, reason) for passage in group.passages]
    room = limits.total - max(map(len, answers.values()))
    without_passage, *prompts = tokenizer.prompts([(group.query, passage) for passage in (None, *group.passages)])
    pairs, failures = [], []
    for passage, prompt in zip(group.passages, prompts, strict=True):
        truncated = truncate(prompt, room, limits.passage)
        if truncated is None or len(without_passage.ids) > room:
            reason = f"query and answer leave no room for the passage within {limits.total} tokens"
            failures.append(Failure(group.query.query_id, passage.passage_id, teacher, reason))
        else:
            pairs.append(Pair(group.query, passage, truncated[0], without_passage.ids, answers, truncated[1]))
    return pairs, failures


def windows(groups: Sequence[Group]) -> Iterator[list[Group]]:
    """Yield groups in turn, as many at once as have PAIRS_AT_ONCE pairs."""
    window: list[Group] = []
    pairs = 0
    for group in groups:
        window.append(group)
        pairs += len(group.passages)
        if pairs >= PAIRS_AT_ONCE:
            yield window
            window, pairs = [], 0
    if window:
        yield window


def batches(pairs: Sequence[Pair], token_budget: int) -> Iterator[list[Pair]]:
    """Yield pairs of like length together, the longest first: what does not fit shows at once."""
    batch: list[Pair] = []
    rows = width = 0
    for pair in sorted(pairs, key=lambda pair: -pair.length):
        rows += len(pair.answers)
        if batch and rows * width > token_budget:
            yield batch
            batch, rows = [], len(pair.answers)
        width = width if batch else pair.length
        batch.append(pair)
    if batch:
        yield batch
