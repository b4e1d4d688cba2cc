"""What a server is asked before any pair: does it serve the model, and do its log-probabilities mean anything."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from workbench.errors import ServerUnavailable
from workbench.teachers.endpoint.budget import Usage
from workbench.teachers.endpoint.protocols import Continuations, call_of, token_log_probabilities
from workbench.teachers.endpoint.settings import EndpointSettings
from workbench.teachers.endpoint.transport import Call, RequestFailed, Transport
from workbench.teachers.likelihood.tokens import Ids

ABOVE_ZERO = 1e-3  # a log-probability above this is none; rounding stays below it
# Nats between two answers to the same request; bfloat16 in other batches differs by 0.05 (verl issue 6280).
REPEATED_WITHIN = 0.25
TEXT = "Rivers run to the sea, and the sea is salt. Where do rivers run?"
OTHER = "The embargo of 1973 raised the price of oil, as everyone knows."
ANSWER = " They run to the sea, every one of them."
SERVERS = (
    "vLLM (protocol=vllm) and SGLang (protocol=sglang) give them for a prompt's tokens; llama.cpp, Ollama, TGI and "
    "hosted chat services do not. Any chat server serves a judge. See docs/servers.md."
)


class ServerFacts(NamedTuple):
    """What a server says of its model: the most tokens that it reads, None if it does not say."""

    max_model_tokens: int | None


async def probe(transport: Transport, settings: EndpointSettings, tokenizer: Any, start: Ids) -> ServerFacts:
    """Return what is known of a server; raises ServerUnavailable if its utilities would be wrong."""
    facts = await _facts(transport, settings)
    ids = {text: _ids(tokenizer, text) for text in (TEXT, OTHER, ANSWER)}
    await _check_tokenizer(transport, settings, TEXT, ids[TEXT])
    asked = [Continuations(np.concatenate([start, ids[text]]), (ids[ANSWER],)) for text in (TEXT, OTHER, TEXT)]
    try:
        rows = [
            (await transport.answer(call_of(settings, one), partial(token_log_probabilities, settings, one)))[0]
            for one in asked
        ]
    except RequestFailed as error:
        raise _refused(settings, f"gave none for a prompt's tokens: {error}") from error
    if problem := meaningless(*rows):
        raise _refused(settings, problem)
    return facts


def meaningless(behind: Sequence[float], behind_other: Sequence[float], again: Sequence[float]) -> str:
    """Return what is wrong with log-probabilities of an answer behind a prompt, another one, and the first again."""
    values = [*behind, *behind_other]
    if not all(isfinite(value) for value in values):
        return "are not finite"
    if max(values) > ABOVE_ZERO:
        return "are above 0"
    if len(set(behind)) == 1:
        return f"are all {behind[0]:g}"
    if max(abs(one - other) for one, other in zip(behind, behind_other, strict=True)) < 1e-6:
        return "do not depend on the prompt"
    if max(abs(one - other) for one, other in zip(behind, again, strict=True)) > REPEATED_WITHIN:
        return "change when the same is asked again (of vLLM: start it with --no-enable-prefix-caching)"
    return ""


def _refused(settings: EndpointSettings, problem: str) -> ServerUnavailable:
    verb = "" if problem.startswith("gave") else "its log-probabilities "
    return ServerUnavailable(
        f"{settings.base_url} cannot score answers with protocol {settings.protocol}: {verb}{problem}.", SERVERS
    )


async def _facts(transport: Transport, settings: EndpointSettings) -> ServerFacts:
    try:
        models = await transport.answer(Call("models", None, Usage(1), optional=True), _models)
    except RequestFailed:
        return ServerFacts(None)
    if models and settings.model not in models:
        raise ServerUnavailable(
            f"{settings.base_url} does not serve {settings.model}.", f"It serves: {', '.join(sorted(models)[:12])}."
        )
    return ServerFacts(models.get(settings.model))


def _models(payload: Any) -> dict[str, int | None]:
    """Return the token limits by model; vLLM and SGLang say them, other servers do not."""
    limits = {str(model["id"]): model.get("max_model_len") for model in payload["data"]}
    return {name: limit if type(limit) is int else None for name, limit in limits.items()}


async def _check_tokenizer(transport: Transport, settings: EndpointSettings, text: str, ids: Ids) -> None:
    """Compare the local tokenizer with the server's, where the server tells; raises ServerUnavailable."""
    body = {"model": settings.model, "prompt": text, "add_special_tokens": False}
    call = Call(f"{settings.root}/tokenize", body, Usage(1), optional=True)
    try:
        tokens = await transport.answer(call, lambda payload: list(payload["tokens"]))
    except RequestFailed:
        return
    if tokens != [int(token) for token in ids]:
        raise ServerUnavailable(
            f"The tokenizer {settings.tokenizer or settings.model} is not that of the model on {settings.base_url}.",
            "Set tokenizer to the hub name or folder that the server loads.",
        )


def _ids(tokenizer: Any, text: str) -> Ids:
    return np.array(tokenizer(text, add_special_tokens=False)["input_ids"], dtype=np.int32)
