"""What every chat is given and gives back, whatever carries the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

Role = Literal["system", "user", "assistant"]


class Message(NamedTuple):
    """One turn of a conversation."""

    role: Role
    content: str


class Prompt(NamedTuple):
    """A conversation to be answered in at most `max_tokens` tokens; at `temperature` 0 the likeliest are taken.

    With `choices` the reply says how likely each of them is as its first word.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    choices: tuple[str, ...] = ()


class Reply(NamedTuple):
    """What a model wrote, or in `error` why it wrote nothing.

    `choice_log_probabilities` are in nats, of a choice as the reply's first token (of its first token, where it takes
    several), with or without a space before it; a choice that the server did not list is left out, and None stands
    where nothing is known of any. `refused` is what the model or its server declined.
    """

    text: str
    choice_log_probabilities: dict[str, float] | None = None
    error: str = ""
    refused: bool = False


class Chat(Protocol):
    """A language model that answers prompts."""

    @property
    def name(self) -> str:
        """Return what replies depend on besides the prompt as one word without colons: model, weights, seed."""
        ...

    def answers(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        """Yield each prompt's position and its reply once, in any order, each as soon as it is there."""
        ...
