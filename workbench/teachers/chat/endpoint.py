"""A chat with a model that a server runs, by OpenAI's protocol for chat completions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from workbench.teachers.chat.protocol import Prompt, Reply
from workbench.teachers.endpoint.background import Background
from workbench.teachers.endpoint.budget import Budget, Usage
from workbench.teachers.endpoint.settings import ServerSettings
from workbench.teachers.endpoint.transport import Call, RequestFailed, Transport

# The most alternatives of a token that OpenAI's protocol lists.
TOP_LOG_PROBABILITIES = 20
TOKENS_OF_A_TURN = 64  # at most: what a chat template puts around a message


class _Dialect(NamedTuple):
    """What a server understands: `max_tokens` by this name or its newer one, and whether it gives log-probabilities."""

    newer_limit: bool = False
    without_log_probabilities: bool = False


class EndpointChat:
    """Answers prompts with a model behind any server of chat completions, many at once and within a budget.

    Log-probabilities of choices come from `top_logprobs`, where the server has them. A sampled reply is asked for with
    `seed`, which servers may heed or not.
    """

    def __init__(self, settings: ServerSettings, seed: int = 0) -> None:
        self.settings = settings
        self.budget = Budget(settings)
        self._seed = seed
        self._dialect = _Dialect()

    @property
    def name(self) -> str:
        """Return the model's name on the server, and the seed, as one word without colons."""
        model = "-".join(self.settings.model.replace(":", "-").split())
        return f"{model}-served-seed{self._seed}" if self._seed else f"{model}-served"

    @property
    def spent(self) -> Usage:
        """Return what was asked for so far."""
        return self.budget.spent

    def answers(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        """Yield each prompt's position and its reply once, in the order in which they come.

        Raises BudgetSpent, and ServerUnavailable where no prompt would have a reply.
        """
        if not prompts:
            return
        background = Background(
            lambda: Transport(self.settings, self.budget), self._numbered, self.settings.concurrency
        )
        for batch in background.results(enumerate(prompts)):
            yield from batch

    async def _numbered(self, transport: Transport, numbered: tuple[int, Prompt]) -> tuple[int, Reply]:
        position, prompt = numbered
        while True:
            dialect = self._dialect
            try:
                return position, await transport.answer(self._call(prompt, dialect), partial(reply_of, prompt))
            except RequestFailed as error:
                if dialect == self._dialect:
                    self._dialect = _understood(dialect, str(error))
                if dialect == self._dialect:
                    return position, Reply("", error=str(error))

    def _call(self, prompt: Prompt, dialect: _Dialect) -> Call:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "messages": [message._asdict() for message in prompt.messages],
            "temperature": prompt.temperature,
            "max_completion_tokens" if dialect.newer_limit else "max_tokens": prompt.max_tokens,
        }
        if prompt.temperature > 0:
            body["seed"] = self._seed
        if prompt.choices and not dialect.without_log_probabilities:
            body |= {"logprobs": True, "top_logprobs": TOP_LOG_PROBABILITIES}
        return Call("chat/completions", body, most_of(prompt))


def most_of(prompt: Prompt) -> Usage:
    """Return what a prompt costs at most: a token is at least a byte."""
    read = sum(len(message.content.encode()) + TOKENS_OF_A_TURN for message in prompt.messages)
    return Usage(1, read, prompt.max_tokens)


def reply_of(prompt: Prompt, payload: Any) -> Reply:
    """Return the reply in an answer; ValueError or KeyError if there is none."""
    choice = payload["choices"][0]
    message, ended = choice["message"], choice.get("finish_reason")
    text, refusal = message.get("content"), message.get("refusal")
    if refusal or ended == "content_filter":
        return Reply(str(refusal or text or ""), refused=True)
    if not text and ended == "length":
        return Reply("", error=f"the model wrote nothing to be read in {prompt.max_tokens} tokens")
    if not (text is None or isinstance(text, str)):
        raise ValueError("the reply is no text")
    return Reply(text or "", choice_log_probabilities(prompt.choices, choice.get("logprobs")))


def choice_log_probabilities(choices: Sequence[str], listed: Any) -> dict[str, float] | None:
    """Return the log-probabilities of choices as the first token, those with and without a space before it in one.

    A token that only one choice begins with stands for it.
    """
    if not choices or not listed or not listed.get("content"):
        return None
    log_probabilities: dict[str, float] = {}
    for token in listed["content"][0].get("top_logprobs") or ():
        beginning = token["token"].strip()
        meant = [choice for choice in choices if choice == beginning] or [
            choice for choice in choices if beginning and choice.startswith(beginning)
        ]
        if len(meant) == 1:
            before = log_probabilities.get(meant[0], -np.inf)
            log_probabilities[meant[0]] = float(np.logaddexp(before, float(token["logprob"])))
    return log_probabilities or None


def _understood(dialect: _Dialect, refusal: str) -> _Dialect:
    """Return what a server seems to understand that refused a request for a reason."""
    if not refusal.startswith("HTTP 4"):
        return dialect
    if "max_completion_tokens" in refusal:
        return dialect._replace(newer_limit=True)
    if "logprobs" in refusal:
        return dialect._replace(without_log_probabilities=True)
    return dialect
