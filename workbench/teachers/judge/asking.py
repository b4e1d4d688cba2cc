"""How judgements that take several rounds of questions are asked side by side, and what ends one in vain."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

from workbench.records import Failure, Scored, Status
from workbench.teachers.chat.protocol import Chat, Prompt, Reply

T = TypeVar("T")
# Yields prompts, is sent their replies, and returns what it made of them.
Asking = Generator[list[Prompt], list[Reply], T]
MOST_CHARACTERS = 2000  # of an answer that is kept to be read


class NoJudgement(Exception):
    """A reply that holds no judgement, with what the pair's failure will say."""

    def __init__(self, status: Status, reason: str, answer: str = "") -> None:
        super().__init__(reason)
        self.status: Status = status
        self.reason = reason
        self.answer = answer[:MOST_CHARACTERS]

    def failure(self, query_id: str, passage_id: str, teacher: str) -> Failure:
        """Return this as the failure of a pair."""
        return Failure(query_id, passage_id, teacher, self.reason, self.status, self.answer)


def check_answered(reply: Reply) -> None:
    """Raise NoJudgement for a reply that is an error or a refusal."""
    if reply.refused:
        raise NoJudgement("refused", "the judge declined", reply.text)
    if reply.error:
        raise NoJudgement("failed", reply.error)


def unreadable(reply: Reply, expected: str) -> NoJudgement:
    """Return that a reply was read in vain, and what its last line should have been."""
    return NoJudgement("unreadable", f"the judge's last line is not {expected}", reply.text)


def run(askings: Iterator[Asking[list[Scored]]], chat: Chat, prompts_at_once: int) -> Iterator[list[Scored]]:
    """Yield what each asking returns as soon as its last reply is there.

    Askings are started while fewer than `prompts_at_once` prompts wait for a reply, and each round of their prompts
    goes to the chat together.
    """
    waiting: list[tuple[Asking[list[Scored]], list[Prompt]]] = []
    while True:
        while sum(len(prompts) for _, prompts in waiting) < prompts_at_once:
            if (asking := next(askings, None)) is None:
                break
            prompts, rows = _advance(asking, None)
            waiting += [(asking, prompts)] if prompts else []
            if rows:
                yield rows
        if not waiting:
            return
        asked, waiting = waiting, []
        for place, replies in _replies(chat, [prompts for _, prompts in asked]):
            asking = asked[place][0]
            prompts, rows = _advance(asking, replies)
            waiting += [(asking, prompts)] if prompts else []
            if rows:
                yield rows


def _replies(chat: Chat, questions: Sequence[Sequence[Prompt]]) -> Iterator[tuple[int, list[Reply]]]:
    """Yield the place of each list of prompts, and the replies to them in order, once all of them are there."""
    flat = [(place, at) for place, prompts in enumerate(questions) for at in range(len(prompts))]
    replies: list[dict[int, Reply]] = [{} for _ in questions]
    for position, reply in chat.answers([questions[place][at] for place, at in flat]):
        place, at = flat[position]
        replies[place][at] = reply
        if len(replies[place]) == len(questions[place]):
            yield place, [replies[place][at] for at in range(len(questions[place]))]


def _advance(asking: Asking[list[Scored]], replies: list[Reply] | None) -> tuple[list[Prompt], list[Scored]]:
    """Return the prompts that an asking needs answered next, or, with none, what it has come to."""
    try:
        while not (prompts := next(asking) if replies is None else asking.send(replies)):
            replies = []
    except StopIteration as done:
        return [], done.value
    return prompts, []
