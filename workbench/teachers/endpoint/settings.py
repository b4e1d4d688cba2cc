"""The settings of a model server, and of the likelihood teacher that asks one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import BadSetting
from workbench.teachers.normalisation import Normalisation, check_normalisation
from workbench.teachers.prompts import Template

PROTOCOLS = ("vllm", "sglang", "echo")
COUNTS = ("concurrency", "max_requests", "max_total_tokens")
AMOUNTS = ("timeout", "longest_wait", "max_cost", "input_price", "output_price")


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """How a model server is asked, and what that may cost; nothing of it changes a number.

    The budget is that of one call: what counts are requests as they are sent, so also those that are sent again.
    """

    key_variable: str = field(
        default="",
        metadata={"about": "the environment variable that holds the server's key; none is sent unless given"},
    )
    allow_http: bool = field(
        default=False, metadata={"about": "send texts and key unencrypted to another machine: http, not https"}
    )
    concurrency: int = field(default=8, metadata={"about": "requests under way at once"})
    timeout: float = field(default=120.0, metadata={"about": "seconds until an answer must be there, whole"})
    retries: int = field(default=5, metadata={"about": "how often a request that failed in passing is sent again"})
    longest_wait: float = field(
        default=60.0,
        metadata={"about": "the most seconds to wait before a request is sent again, whatever the server asks"},
    )
    max_requests: int | None = field(default=None, metadata={"about": "the budget in requests"})
    max_total_tokens: int | None = field(
        default=None, metadata={"about": "the budget in tokens, read and written together"}
    )
    max_cost: float | None = field(default=None, metadata={"about": "the budget in the currency of the prices"})
    input_price: float | None = field(default=None, metadata={"about": "the price of a million tokens that are read"})
    output_price: float | None = field(
        default=None, metadata={"about": "the price of a million tokens that are written"}
    )

    def __post_init__(self) -> None:
        for name in COUNTS:
            check_above_zero(self, name, int)
        for name in AMOUNTS:
            check_above_zero(self, name, float)
        if type(self.retries) is not int or self.retries < 0:
            raise BadSetting(f"retries is {self.retries!r}.", "It is a whole number, 0 or more.")
        if self.max_cost is not None and (self.input_price is None or self.output_price is None):
            raise BadSetting(
                "max_cost needs input_price and output_price.", "Set the prices of a million tokens; 0 is a price too."
            )
        if self.key_variable and not self.key:
            # A key given by mistake in place of the variable's name must not be repeated.
            name = f" {self.key_variable}" if self.key_variable.isupper() else ""
            raise BadSetting(
                f"There is no environment variable{name}.", "key_variable names the one that holds the key."
            )

    @property
    def key(self) -> str:
        """Return the key out of the environment; empty if there is to be none. It is kept nowhere."""
        return os.environ.get(self.key_variable, "") if self.key_variable else ""


@dataclass(frozen=True)
class ServerSettings(ServerOptions):
    """Where a model is served, and how it is asked."""

    url: str = field(metadata={"about": "the server's address, such as http://127.0.0.1:8000/v1"})
    model: str = field(metadata={"about": "the model, by the name under which it is served"})

    def __post_init__(self) -> None:
        super().__post_init__()
        check_address(self.url, self.allow_http)
        if not (isinstance(self.model, str) and self.model.strip()):
            raise BadSetting(f"model is {self.model!r}.", "It is the name under which the server serves the model.")

    @property
    def base_url(self) -> str:
        """Return the address under which OpenAI's paths begin: as given, with /v1 where it has no path."""
        address = self.url.rstrip("/")
        return address if urlsplit(address).path else f"{address}/v1"

    @property
    def root(self) -> str:
        """Return the address under which a server's own paths begin: without /v1."""
        return self.base_url.removesuffix("/v1")


@dataclass(frozen=True)
class EndpointSettings(ServerSettings):
    """All that decides the endpoint teacher's utilities, and how its server is asked."""

    protocol: str = field(
        default="vllm",
        metadata={
            "about": "how log-probabilities are asked for: vllm (prompt_logprobs), sglang (/generate), "
            "echo (completions that repeat the prompt)"
        },
    )
    tokenizer: str | Path = field(
        default="",
        metadata={"about": "the model's tokenizer, by hub name or folder; unless given, by the model's name"},
    )
    template: str | Path | Template = field(
        default="plain", metadata={"about": "a prompt template's name, or its TOML or JSON file"}
    )
    normalisation: Normalisation = field(
        default="mean", metadata={"about": "mean: nats per token of the answer; sum: nats"}
    )
    bos: bool | None = field(
        default=None, metadata={"about": "begin with a BOS token; unless given, as the tokenizer does"}
    )
    max_tokens: int | None = field(
        default=None, metadata={"about": "the most tokens of prompt and answer; unless given, the server's limit"}
    )
    max_passage_tokens: int | None = field(default=None, metadata={"about": "the most tokens of a passage"})

    def __post_init__(self) -> None:
        super().__post_init__()
        check_normalisation(self.normalisation)
        if self.protocol not in PROTOCOLS:
            raise BadSetting(f"protocol is {self.protocol!r}.", f"It is one of {', '.join(PROTOCOLS)}.")
        if self.bos not in (None, True, False):
            raise BadSetting(f"bos is {self.bos!r}.", "It is true, false or left out.")
        for name in ("max_tokens", "max_passage_tokens"):
            check_above_zero(self, name, int)


def check_above_zero(settings: ServerOptions, name: str, kind: type) -> None:
    """Raise BadSetting for a setting that is no number above 0; prices may be 0, and what is None by default, None."""
    value: Any = getattr(settings, name)
    if value is None and settings.__dataclass_fields__[name].default is None:
        return
    is_number = type(value) is int or (kind is float and type(value) is float)
    if not is_number or not (value > 0 or (value == 0 and name.endswith("price"))):
        hint = "a whole number above 0" if kind is int else "a number above 0"
        raise BadSetting(f"{name} is {value!r}.", f"It is {hint}.")


def is_loopback(url: str) -> bool:
    """Return whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_address(url: str, allow_http: bool) -> None:
    """Raise BadSetting for an address that cannot be asked, or not without others reading along."""
    example = "Such as http://127.0.0.1:8000/v1 or https://host/v1."
    try:
        parts = urlsplit(url)
        host, scheme, _ = parts.hostname, parts.scheme, parts.port
    except (AttributeError, TypeError, ValueError) as error:
        raise BadSetting("url is not an address.", example) from error
    if parts.username or parts.password or parts.query or parts.fragment:
        # An address is shown and stored; it is not repeated here, as it may hold a key.
        raise BadSetting(
            "url holds more than host and path.", "A key is read from the environment: key_variable names the variable."
        )
    if scheme not in ("http", "https") or not host:
        raise BadSetting(f"url is {url!r}.", example)
    if scheme == "http" and not (allow_http or is_loopback(url)):
        raise BadSetting(
            f"url is {url!r}: passages and key would travel unencrypted to another machine.",
            "Use https, or set allow_http=true if the network is yours.",
        )
