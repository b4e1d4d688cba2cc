"""Requests to a model server: within the budget, sent again after failures that pass, and read strictly."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import httpx2
import openai

from workbench.errors import BudgetSpent, ServerUnavailable, WorkbenchError
from workbench.teachers.endpoint import retry
from workbench.teachers.endpoint.budget import Budget, Usage
from workbench.teachers.endpoint.settings import ServerSettings, is_loopback

Result = TypeVar("Result")
SHOWN = 300  # characters of a server's message
# So many requests in a row that failed to the last attempt are the server's fault, not theirs.
FAILURES_IN_ROW = 10


class Call(NamedTuple):
    """A request: its path under the server's base, or its whole address, its body, and what it may cost at most.

    Without a body it only asks. One that is `optional` may be of a kind that the server does not know.
    """

    path: str
    body: dict[str, Any] | None
    most: Usage
    optional: bool = False


class RequestFailed(Exception):
    """One request got no usable answer; others may."""


class _Passing(NamedTuple):
    """Why an attempt failed, and how many seconds the server asks to wait, None if it does not say."""

    reason: str
    asked: float | None = None
    unreachable: bool = False


class Transport:
    """A connection to one server, opened and closed in one event loop.

    The official client of OpenAI's API carries the requests. It neither sends again nor follows redirects: both are
    decided here, where each attempt is counted.
    """

    def __init__(self, settings: ServerSettings, budget: Budget) -> None:
        self.settings = settings
        self.budget = budget
        self._draw = random.Random()
        self._stopped: WorkbenchError | None = None
        self._stop = asyncio.Event()
        self._freed = asyncio.Event()
        # The client takes these from the environment, where they may be meant for another server.
        self._options: Any = {"headers": {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit}}
        if not settings.key:
            self._options["headers"]["Authorization"] = openai.omit
        self._paused_until = 0.0
        self._failures = 0

    async def __aenter__(self) -> Self:
        settings = self.settings
        http = openai.DefaultAsyncHttpxClient(
            follow_redirects=False,
            # A proxy of the environment does not know this machine's own ports.
            trust_env=not is_loopback(settings.url),
            limits=httpx2.Limits(max_connections=settings.concurrency + 2),
        )
        self._client = openai.AsyncOpenAI(
            api_key=settings.key or "none",
            admin_api_key="",
            base_url=settings.base_url,
            timeout=settings.timeout,
            max_retries=0,
            http_client=http,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def answer(self, call: Call, read: Callable[[Any], Result]) -> Result:
        """Return what `read` makes of the answer's JSON; it raises ValueError where something is missing in it.

        Raises RequestFailed if this request has no usable answer, ServerUnavailable if none will have one, and
        BudgetSpent.
        """
        last = _Passing("it was not sent")
        for attempt in range(self.settings.retries + 1):
            await self._turn(call.most)
            outcome = await self._attempt(call, read)
            if not isinstance(outcome, _Passing):
                self._failures = 0
                return outcome
            last = outcome
            if attempt < self.settings.retries:
                await self._pause(attempt, last)
        raise self._given_up(last)

    def _given_up(self, last: _Passing) -> Exception:
        """Return the error after the last attempt: of this request, or of the server if it fails with all."""
        if last.unreachable:
            return self._stopping(ServerUnavailable(
                f"{self.settings.base_url} cannot be reached: {last.reason}.",
                "Start the server, or check url. What was answered is kept; the same command goes on.",
            ))  # fmt: skip
        self._failures += 1
        if self._failures >= max(FAILURES_IN_ROW, 2 * self.settings.concurrency):
            return self._stopping(ServerUnavailable(
                f"{self._failures} requests in a row failed at {self.settings.base_url}, the last one: {last.reason}.",
                "What was answered is kept; the same command goes on when the server is well again.",
            ))  # fmt: skip
        return RequestFailed(f"{last.reason}, {self.settings.retries + 1} times")

    async def _turn(self, most: Usage) -> None:
        """Wait until a request may be sent, and reserve what it may cost."""
        while (left := self._paused_until - asyncio.get_running_loop().time()) > 0 and self._stopped is None:
            await self._sleep(left)
        while self._stopped is None:
            try:
                if self.budget.reserve(most):
                    return
            except BudgetSpent as error:
                raise self._stopping(error) from None
            self._freed.clear()
            await self._freed.wait()
        raise self._stopped

    async def _attempt(self, call: Call, read: Callable[[Any], Result]) -> Result | _Passing:
        """Return what was read, or a failure that may pass."""
        actual = call.most
        try:
            async with asyncio.timeout(self.settings.timeout):
                response = await self._send(call)
        except openai.APIStatusError as error:
            actual = Usage(1)
            return self._refusal(call, error)
        except (TimeoutError, openai.APITimeoutError):
            return _Passing(f"no whole answer within {self.settings.timeout:g} s")
        except openai.APIConnectionError as error:
            cause = error.__cause__
            reason = self._clean(str(cause)) or type(cause).__name__
            return _Passing(f"the connection failed ({reason})", unreachable=isinstance(cause, httpx2.ConnectError))
        else:
            actual = usage_of(response, call.most)
            return self._read(response, read)
        finally:
            self.budget.settle(call.most, actual)
            self._freed.set()

    def _read(self, response: httpx2.Response, read: Callable[[Any], Result]) -> Result | _Passing:
        try:
            return read(json.loads(response.content))
        except WorkbenchError as error:
            raise self._stopping(error) from None
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            return _Passing(f"the answer cannot be read ({type(error).__name__}: {self._clean(str(error))})")

    async def _send(self, call: Call) -> httpx2.Response:
        if call.body is None:
            return await self._client.get(call.path, cast_to=httpx2.Response, options=self._options)
        return await self._client.post(call.path, cast_to=httpx2.Response, body=call.body, options=self._options)

    def _refusal(self, call: Call, error: openai.APIStatusError) -> _Passing:
        """Return a refusal that may pass; raises RequestFailed if it is of this request, else ServerUnavailable."""
        status, url = error.status_code, self.settings.base_url
        if retry.is_passing(status):
            return _Passing(f"HTTP {status}{self._message(error)}", retry.retry_after(error.response.headers))
        if status in (401, 403):
            # The message is left out: servers repeat parts of the key in it.
            hint = f"Check the key in {self.settings.key_variable}." if self.settings.key else "Set key_variable."
            raise self._stopping(ServerUnavailable(f"{url} refuses access (HTTP {status}).", hint))
        if (status in (402, 404, 405, 501) or status < 400) and not call.optional:
            raise self._stopping(ServerUnavailable(
                f"{url} does not serve {self.settings.model} in this way (HTTP {status}{self._message(error)}).",
                "Check url and model, and which servers work for what: docs/servers.md.",
            ))  # fmt: skip
        raise RequestFailed(f"HTTP {status}{self._message(error)}")

    def _message(self, error: openai.APIStatusError) -> str:
        body = error.body
        text = body.get("message") or body.get("detail") or body.get("error") if isinstance(body, dict) else body
        cleaned = self._clean(str(text)) if text else ""
        return f": {cleaned}" if cleaned else ""

    def _clean(self, text: str) -> str:
        """Return a server's text in one short line, without the key."""
        key = self.settings.key
        text = text.replace(key, "[key]") if key else text
        text = " ".join(text.split())
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"

    def _stopping(self, error: WorkbenchError) -> WorkbenchError:
        """Return an error after which nothing more is sent."""
        self._stopped = self._stopped or error
        self._stop.set()
        self._freed.set()
        return error

    async def _pause(self, attempt: int, passing: _Passing) -> None:
        seconds = retry.wait(attempt, passing.asked, self.settings.longest_wait, self._draw)
        if passing.asked is not None:
            # A server that asks to wait asks all.
            self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)
        await self._sleep(seconds)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return


def usage_of(response: httpx2.Response, most: Usage) -> Usage:
    """Return the tokens that an answer of OpenAI's or SGLang's protocol reports; `most` if it reports none."""
    try:
        payload = json.loads(response.content)
        parts = payload if isinstance(payload, list) else [payload]
        reports = [part.get("usage") or part["meta_info"] for part in parts]
        counts = [(report["prompt_tokens"], report.get("completion_tokens") or 0) for report in reports]
        return Usage(1, sum(int(read) for read, _ in counts), sum(int(written) for _, written in counts))
    except (ValueError, KeyError, TypeError, AttributeError):
        return most
