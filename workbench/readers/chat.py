"""A reader that is asked in a conversation: an instruction-tuned model, on this machine or behind a server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from workbench.errors import BadSetting, NothingToDo
from workbench.records import Answer, Group
from workbench.teachers.chat.protocol import Chat, Message, Prompt, Reply
from workbench.teachers.endpoint.settings import ServerSettings

SYSTEM = (
    "You answer questions from passages. Reply with the answer alone, in as few words as possible and without a full "
    "sentence. If the passages do not tell, answer from what you know."
)
# Prompts handed over at once: enough for a server to work on in parallel, few enough to hold.
AT_ONCE = 64


class ChatReader:
    """Answers by the first line that a chat replies to the passages, numbered best first, and the question."""

    def __init__(self, chat: Chat, max_new_tokens: int = 64) -> None:
        self._chat, self._max_new_tokens = chat, max_new_tokens
        self._name = ""

    @property
    def name(self) -> str:
        """Return the chat's name, and a fingerprint of the prompt and what else changes an answer."""
        if not self._name:
            raise NothingToDo("The reader is not prepared yet.", "Call prepare(' ') first.")
        return self._name

    def prepare(self, title_join: str) -> None:
        """Make the name."""
        recipe = [SYSTEM, self._max_new_tokens, title_join]
        self._name = f"{self._chat.name}-{sha256(json.dumps(recipe).encode()).hexdigest()[:6]}"

    def answers(self, groups: Sequence[Group]) -> Iterator[list[Answer]]:
        """Yield each answer as soon as it is there, or why there is none."""
        for start in range(0, len(groups), AT_ONCE):
            some = groups[start : start + AT_ONCE]
            prompts = [Prompt(_messages(group), self._max_new_tokens) for group in some]
            for position, reply in self._chat.answers(prompts):
                yield [self._answer(some[position], reply)]

    def _answer(self, group: Group, reply: Reply) -> Answer:
        read = tuple(passage.passage_id for passage in group.passages)
        text = next(iter(reply.text.strip().splitlines()), "").strip()
        reason = reply.error or (f"the model declined: {text or 'no words'}" if reply.refused else "")
        return Answer(self.name, group.query.query_id, read, "" if reason else text, reason)


def _messages(group: Group) -> tuple[Message, ...]:
    passages = [f"Passage {number}: {one.content}" for number, one in enumerate(group.passages, start=1)]
    question = "\n\n".join([*passages, f"Question: {group.query.text}"])
    return Message("system", SYSTEM), Message("user", question)


@dataclass(frozen=True)
class LocalReaderSettings:
    """What decides the answers of a chat model on this machine."""

    model: str | Path = field(metadata={"about": "a chat model of transformers, by hub name or folder"})
    max_new_tokens: int = field(default=64, metadata={"about": "the most tokens of an answer"})
    dtype: str = field(default="auto", metadata={"about": "auto, float32, bfloat16, float16"})
    device: str = field(default="auto", metadata={"about": "auto, or a device of torch, such as cpu or cuda"})

    def __post_init__(self) -> None:
        _check_max_new_tokens(self.max_new_tokens)


class LocalReader(ChatReader):
    """A reader by a chat model on this machine."""

    def __init__(self, settings: LocalReaderSettings) -> None:
        from workbench.teachers.chat.local import LocalChat

        super().__init__(LocalChat(settings.model, settings.dtype, settings.device), settings.max_new_tokens)


@dataclass(frozen=True)
class ServerReaderSettings(ServerSettings):
    """What decides the answers of a chat model behind a server, and how that is asked."""

    max_new_tokens: int = field(default=64, metadata={"about": "the most tokens of an answer"})

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_max_new_tokens(self.max_new_tokens)


class ServerReader(ChatReader):
    """A reader by a chat model behind a server."""

    def __init__(self, settings: ServerReaderSettings) -> None:
        from workbench.teachers.chat.endpoint import EndpointChat

        super().__init__(EndpointChat(settings), settings.max_new_tokens)


def _check_max_new_tokens(value: int) -> None:
    if type(value) is not int or value < 1:
        raise BadSetting(f"max_new_tokens is {value!r}.", "It is a whole number above 0.")
