"""Pairs of query and passage as token ids, and the windows in which they are scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workbench.records import Failure, Group, Passage, Query
from workbench.teachers.likelihood.tokens import Ids, PromptTokenizer, truncate

# Tokenised together: enough for passages to come again, few enough to hold. A token takes 8 bytes here, so that
# texts of so many characters take about 100 MB.
PAIRS_AT_ONCE = 40_000
CHARACTERS_AT_ONCE = 50_000_000


class Pair(NamedTuple):
    """A query and a passage with all prompts and answers that their utility takes, as token ids."""

    query: Query
    passage: Passage
    prompt: Ids
    prompt_without_passage: Ids
    answers: dict[str, Ids]
    truncated: int


class TokenLimits(NamedTuple):
    """The most tokens of prompt and answer together, and of a passage, None if that has no limit of its own."""

    total: int
    passage: int | None


def pairs_of(
    group: Group, tokenizer: PromptTokenizer, limits: TokenLimits, teacher: str
) -> tuple[list[Pair], list[Failure]]:
    """Return the pairs of a query with its passages, and those that the teacher cannot score, with the reason.

    `answers` of a pair are the reference answers, or the query alone where the template scores that.
    """
    answers: dict[str, Ids] = {}
    is_query = tokenizer.template.scored == "query"
    texts = (group.query.text,) if is_query else group.query.answers
    reason = "the query has no text" if is_query else "the query has no reference answer"
    if any(text.strip() for text in texts):
        answers = {text: ids for text in texts if (ids := tokenizer.answer(text)) is not None}
        reason = f"the model's tokenizer leaves nothing of {'the query' if is_query else 'any reference answer'}"
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
    """Yield groups in turn, as many at once as have PAIRS_AT_ONCE pairs or CHARACTERS_AT_ONCE, but always one."""
    window: list[Group] = []
    pairs = characters = 0
    for group in groups:
        window.append(group)
        pairs += len(group.passages)
        characters += sum(len(passage.title) + len(passage.text) for passage in group.passages)
        if pairs >= PAIRS_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
            yield window
            window, pairs, characters = [], 0, 0
    if window:
        yield window
