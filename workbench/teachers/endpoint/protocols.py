"""How servers are asked for the log-probabilities of given tokens, and where these stand in their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from workbench.errors import ServerUnavailable
from workbench.teachers.endpoint.budget import Usage
from workbench.teachers.endpoint.settings import EndpointSettings
from workbench.teachers.endpoint.transport import Call
from workbench.teachers.likelihood.tokens import Ids

# What vLLM writes in the place of minus infinity, which JSON cannot say.
MINUS_INFINITY = -9999.0


class Continuations(NamedTuple):
    """A prompt and the token sequences whose log-likelihoods behind it are asked for in one request."""

    prompt: Ids
    answers: tuple[Ids, ...]

    @property
    def sequences(self) -> list[list[int]]:
        """Return what the server reads: the prompt with each answer."""
        return [[*map(int, self.prompt), *map(int, answer)] for answer in self.answers]


class Protocol(NamedTuple):
    """One way to ask: the path, the body for some sequences, and the values of a sequence out of an answer."""

    path: Callable[[EndpointSettings], str]
    body: Callable[[EndpointSettings, Continuations], dict[str, Any]]
    values: Callable[[Any, int, list[int]], Sequence[Any]]
    written: int  # tokens that the server has to write for each sequence


def call_of(settings: EndpointSettings, asked: Continuations) -> Call:
    """Return the request for some continuations."""
    protocol = PROTOCOLS[settings.protocol]
    read, sequences = sum(map(len, asked.sequences)), len(asked.answers)
    most = Usage(1, read, protocol.written * sequences)
    return Call(protocol.path(settings), protocol.body(settings, asked), most)


def token_log_probabilities(settings: EndpointSettings, asked: Continuations, payload: Any) -> list[list[float]]:
    """Return the log-probabilities of each answer's tokens; ValueError if the server did not give them all."""
    check_model(settings.model, payload)
    protocol = PROTOCOLS[settings.protocol]
    rows = []
    for position, (sequence, answer) in enumerate(zip(asked.sequences, asked.answers, strict=True)):
        values = list(protocol.values(payload, position, sequence))
        if len(values) < len(answer):
            raise ValueError(f"{len(values)} log-probabilities for {len(answer)} tokens")
        rows.append([_log_probability(value) for value in values[len(values) - len(answer) :]])
    return rows


def check_model(model: str, payload: Any) -> None:
    """Raise ServerUnavailable if an answer names another model; servers may write the name shorter or longer."""
    named = payload.get("model") if isinstance(payload, dict) else None
    if isinstance(named, str) and named and named not in model and model not in named:
        raise ServerUnavailable(
            f"The server was asked for {model} and answered with {named}.", "Set model to the name that it serves."
        )


def _log_probability(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} in a log-probability's place")
    return float("-inf") if value <= MINUS_INFINITY else float(value)


def _completions(settings: EndpointSettings, asked: Continuations, **options: Any) -> dict[str, Any]:
    return {"model": settings.model, "prompt": asked.sequences, "temperature": 0.0, **options}


def _choice(payload: Any, position: int) -> dict[str, Any]:
    choices = {choice["index"]: choice for choice in payload["choices"]}
    choice: dict[str, Any] = choices[position]
    return choice


def _prompt_log_probabilities(payload: Any, position: int, sequence: list[int]) -> list[Any]:
    """Read vLLM's list of a table a token: token id -> logprob; the first token has none."""
    tables = _choice(payload, position)["prompt_logprobs"]
    if len(tables) != len(sequence):
        raise ValueError(f"{len(tables)} log-probabilities for a prompt of {len(sequence)} tokens")
    return [
        None if table is None else table[str(token)]["logprob"] for token, table in zip(sequence, tables, strict=True)
    ]


def _echoed_log_probabilities(payload: Any, position: int, sequence: list[int]) -> list[Any]:
    values: list[Any] = _choice(payload, position)["logprobs"]["token_logprobs"]
    if len(values) < len(sequence):
        raise ValueError(f"{len(values)} log-probabilities for a prompt of {len(sequence)} tokens")
    # A server that cannot write nothing has written one token behind the prompt.
    return values[: len(sequence)]


def _generate(_: EndpointSettings, asked: Continuations) -> dict[str, Any]:
    # The log-probability at the start position needs the token before it and is empty: one earlier. Tokens before the
    # start are read from the server's prefix cache.
    start = len(asked.prompt) - 1
    return {
        "input_ids": asked.sequences,
        "sampling_params": {"max_new_tokens": 0, "temperature": 0.0},
        "return_logprob": True,
        "logprob_start_len": start,
    }


def _input_log_probabilities(payload: Any, position: int, sequence: list[int]) -> list[Any]:
    """Read SGLang's list of (logprob, token id, text) from the start position on."""
    rows = (payload if isinstance(payload, list) else [payload])[position]["meta_info"]["input_token_logprobs"]
    ids = [row[1] for row in rows]
    if ids != sequence[len(sequence) - len(ids) :]:
        raise ValueError("log-probabilities of other tokens than were sent")
    return [row[0] for row in rows]


PROTOCOLS: dict[str, Protocol] = {
    "vllm": Protocol(
        lambda _: "completions",
        lambda settings, asked: _completions(settings, asked, max_tokens=1, prompt_logprobs=0),
        _prompt_log_probabilities,
        written=1,
    ),
    "sglang": Protocol(lambda settings: f"{settings.root}/generate", _generate, _input_log_probabilities, written=0),
    "echo": Protocol(
        lambda _: "completions",
        lambda settings, asked: _completions(settings, asked, max_tokens=0, echo=True, logprobs=1),
        _echoed_log_probabilities,
        written=0,
    ),
}
