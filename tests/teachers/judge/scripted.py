"""A chat whose replies are known, and what it is asked about: passages that say what they are worth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from workbench.records import Group, Passage, Query, Scored
from workbench.teachers.chat.protocol import Prompt, Reply
from workbench.teachers.judge.settings import JudgeSettings
from workbench.teachers.judge.teacher import Judge

QUERY = Query("q", "What is it worth?")


class Scripted:
    """Answers by a function of the prompt, last prompt first, and keeps what it was asked."""

    name = "scripted"

    def __init__(self, reply: Callable[[Prompt], Reply | str]) -> None:
        self._reply = reply
        self.rounds: list[int] = []
        self.asked: list[Prompt] = []

    def answers(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        self.rounds.append(len(prompts))
        for position in reversed(range(len(prompts))):
            self.asked.append(prompts[position])
            reply = self._reply(prompts[position])
            yield position, reply if isinstance(reply, Reply) else Reply(reply)


def group(*worths: int, query_id: str = "q") -> Group:
    passages = [Passage(f"p{at}", "", f"worth {worth}.") for at, worth in enumerate(worths)]
    return Group(QUERY._replace(query_id=query_id), tuple(passages))


def judge(chat: Scripted, **settings: Any) -> Judge:
    made = Judge(JudgeSettings("scripted", **settings), chat)
    made.prepare()
    return made


def rows(teacher: Judge, *groups: Group) -> list[Scored]:
    """Return a teacher's rows by query and passage, each pair once."""
    every = [row for batch in teacher.utilities(groups) for row in batch]
    pairs = [(one.query.query_id, passage.passage_id) for one in groups for passage in one.passages]
    by_pair = {(row.query_id, row.passage_id): row for row in every}
    assert len(every) == len(by_pair)
    assert set(by_pair) == set(pairs)
    return [by_pair[pair] for pair in pairs]


def values(teacher: Judge, *groups: Group) -> list[float]:
    return [row.value for row in rows(teacher, *groups)]  # type: ignore[union-attr]


def text(prompt: Prompt) -> str:
    return prompt.messages[-1].content


def shown(prompt: Prompt) -> dict[str, int]:
    """Return the worths of the passages in a prompt, by label."""
    labelled = re.findall(r"(?:\[(\w+)\]|Passage ([AB]):) worth (\d+)", text(prompt))
    return {one or other: int(worth) for one, other, worth in labelled}
