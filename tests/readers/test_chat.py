"""The chat reader: what it asks, and what becomes of replies, errors and refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.readers.test_completion import GROUPS, answers
from workbench.readers.chat import ChatReader
from workbench.teachers.chat.protocol import Prompt, Reply


class Scripted:
    """A chat that replies by a script, the last prompt first; `prompts` holds what it was asked."""

    name = "scripted-1"

    def __init__(self, *replies: Reply) -> None:
        self.script, self.prompts = replies, list[Prompt]()

    def answers(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        self.prompts += prompts
        yield from reversed(list(enumerate(self.script)))


def test_replies_become_answers_and_failures() -> None:
    chat = Scripted(
        Reply(" the embargo\nbecause of it"), Reply(""), Reply("", error="timed out"), Reply("I cannot.", refused=True)
    )
    rows = answers(ChatReader(chat, 9), GROUPS[:4])
    assert [(row.answer, row.reason) for row in map(rows.__getitem__, ("q1", "-q 2", "q3", "q4"))] == [
        ("the embargo", ""), ("", ""), ("", "timed out"), ("", "the model declined: I cannot."),
    ]  # fmt: skip
    assert rows["q3"].passages == ("p0", "p1", "p2")


def test_passages_are_numbered_before_the_question() -> None:
    chat = Scripted(*[Reply("x")] * 3)
    answers(ChatReader(chat, 9), GROUPS[:3])
    assert [message.role for message in chat.prompts[0].messages] == ["system", "user"]
    assert chat.prompts[1].messages[1].content == "Question: Where do rivers run?"
    assert chat.prompts[2].messages[1].content == (
        "Passage 1: The sea is salt 0.\n\nPassage 2: The sea is salt 1.\n\nPassage 3: The sea is salt 2.\n\n"
        "Question: What is salt?"
    )
    assert {prompt.max_tokens for prompt in chat.prompts} == {9}
    assert {prompt.temperature for prompt in chat.prompts} == {0.0}


def test_the_name_holds_chat_and_prompt() -> None:
    readers = [ChatReader(Scripted(), 9), ChatReader(Scripted(), 8)]
    for reader in readers:
        reader.prepare(" ")
    first, second = (reader.name for reader in readers)
    assert first != second
    assert first.startswith("scripted-1-")
