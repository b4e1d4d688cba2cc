"""A model server on 127.0.0.1: a tiny causal model in vLLM's, SGLang's and OpenAI's protocols, and faults on demand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, Self

Rows = list[list[float | None]]


class Received(NamedTuple):
    """A request as it came in: its path, body and headers, and when."""

    path: str
    body: Any
    headers: dict[str, str]
    moment: float


def well(_number: int, _request: Received) -> str:
    """Have no fault."""
    return ""


class ModelServer:
    """Serves a model's folder; `fault(number, request)` names what goes wrong with the nth request for tokens.

    "429", "429 after 2", "429 at date", "500", "400 words", "401", "404", "hang", "cut", "slow", "malformed", "short",
    "other model", "refusal", or "" for an answer. `change` distorts log-probabilities.
    """

    model = "tiny"

    def __init__(self, folder: Path, fault: Callable[[int, Received], str] = well, seconds: float = 0.0) -> None:
        self.folder = folder
        self.fault = fault
        self.seconds = seconds
        self.change: Callable[[Rows], Rows] = lambda rows: rows
        self.reply: Callable[[Any], str] = lambda _body: "2"
        self.received: list[Received] = []
        self.answered: list[Received] = []
        self.most_at_once = 0
        self.over = Event()
        self._at_once = 0
        self._lock = Lock()
        self._reading = Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.key = ""
        self.paths = {"/v1/completions", "/v1/chat/completions", "/generate", "/v1/models", "/tokenize"}

    def __enter__(self) -> Self:
        if (self.folder / "config.json").exists():  # a chat needs none
            loaded(self.folder)  # not while a request is timed
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def asked(self) -> list[Received]:
        """Return the requests for tokens, in the order in which they came."""
        return [request for request in self.received if request.path in ("/v1/completions", "/generate")]

    def sequences(self, requests: list[Received] | None = None) -> list[tuple[int, ...]]:
        """Return the token sequences of requests, of those that were answered unless given."""
        requests = self.answered if requests is None else requests
        return [
            tuple(one)
            for request in requests
            for one in request.body.get("prompt") or request.body.get("input_ids", [])
        ]

    def pairs(self) -> list[str]:
        """Return what the model read for each request with a passage that was answered, with the first answer."""
        decode = loaded(self.folder)[0].decode
        bodies = [request.body for request in self.answered if request.path != "/v1/chat/completions"]
        texts = [decode((body.get("prompt") or body["input_ids"])[0]) for body in bodies]
        return [text for text in texts if "\n\nQuestion" in text]

    def enter(self, request: Received) -> int:
        """Count a request in; return its number among those for tokens."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.received.append(request)
            return sum(one.path not in ("/v1/models", "/tokenize") for one in self.received)

    def leave(self) -> None:
        with self._lock:
            self._at_once -= 1

    def wait_until_idle(self) -> None:
        """Wait until no request has been under way for twice the time of one."""
        last = time.monotonic()
        while time.monotonic() - last < 2 * self.seconds:
            if self._at_once:
                last = time.monotonic()
            time.sleep(0.01)

    def log_probabilities(self, sequences: list[list[int]]) -> Rows:
        """Return what a plain forward gives each token of each sequence; the first has none."""
        import torch

        rows: Rows = []
        with self._reading, torch.inference_mode():
            _, model = loaded(self.folder)
            for ids in sequences:
                logits = model(torch.tensor([ids])).logits[0, :-1].double().log_softmax(-1)
                rows.append([None, *(float(row[token]) for row, token in zip(logits, ids[1:], strict=True))])
        return self.change(rows)

    def tokenize(self, text: str) -> list[int]:
        with self._reading:
            ids: list[int] = loaded(self.folder)[0](text, add_special_tokens=False)["input_ids"]
            return ids


@cache
def loaded(folder: Path) -> tuple[Any, Any]:
    """Return the tokenizer and the model in a folder."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).float().eval()


class _Handler(BaseHTTPRequestHandler):
    owner: ModelServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionResetError):  # by a client that was killed
            super().handle()

    def do_GET(self) -> None:
        self._serve(None)

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, body: Any) -> None:
        request = Received(
            self.path, body, {name.lower(): value for name, value in self.headers.items()}, time.monotonic()
        )
        number = self.owner.enter(request)
        try:
            if self.path not in self.owner.paths:
                self._send(404, {"detail": "Not Found"})
            elif self.owner.key and self.headers["Authorization"] != f"Bearer {self.owner.key}":
                self._send(401, {"error": {"message": f"Incorrect API key: {self.headers['Authorization']}"}})
            elif body is None or self.path == "/tokenize":
                self._send(200, self._facts(body))
            else:
                self._tokens(request, self.owner.fault(number, request))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.owner.leave()

    def _tokens(self, request: Received, fault: str) -> None:
        self.owner.over.wait(self.owner.seconds)
        kind, _, detail = fault.partition(" ")
        if kind == "429":
            asked = {"after": detail.removeprefix("after "), "at": formatdate(time.time() + 1.5, usegmt=True)}
            headers = {"Retry-After": asked[detail.split(" ")[0]]} if detail else {}
            self._send(429, {"error": {"message": "too many"}}, headers)
        elif kind in ("400", "401", "404", "500", "503"):
            key = self.headers["Authorization"] or ""
            self._send(int(kind), {"error": {"message": f"{detail or 'no'} {key.removeprefix('Bearer ')}"}})
        elif kind == "hang":
            self.owner.over.wait(30)
        elif kind == "cut":
            self._head(200, 1000)
            self.wfile.write(b'{"choices": [')
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
        elif kind == "slow":
            self._head(200, 1000)
            while not self.owner.over.wait(0.05):
                self.wfile.write(b" ")
                self.wfile.flush()
        elif kind == "malformed":
            self._bytes(200, b'{"choices": [{"index": 0,')
        else:
            answer = self._answer(request, fault)
            self.owner.answered.append(request)  # before its client can go on
            self._send(200, answer)

    def _answer(self, request: Received, fault: str) -> Any:
        body = request.body
        if request.path == "/v1/chat/completions":
            return self._chat(body, fault)
        sequences = body["input_ids"] if request.path == "/generate" else body["prompt"]
        rows = self.owner.log_probabilities(sequences)
        rows = [row[:-1] for row in rows] if fault == "short" else rows
        if request.path == "/generate":
            return [
                self._generated(ids, row, body["logprob_start_len"]) for ids, row in zip(sequences, rows, strict=True)
            ]
        read = sum(map(len, sequences))
        written = body["max_tokens"] * len(sequences)
        return {
            "object": "text_completion",
            "model": "another" if fault == "other model" else self.owner.model,
            "choices": [
                self._choice(body, at, ids, row) for at, (ids, row) in enumerate(zip(sequences, rows, strict=True))
            ],
            "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        }

    def _choice(self, body: Any, at: int, ids: list[int], row: list[float | None]) -> Any:
        """Write what vLLM does: a table a token, by its id, or OpenAI's lists where the prompt is echoed."""
        choice: dict[str, Any] = {"index": at, "text": "", "finish_reason": "length"}
        if body.get("echo"):
            return choice | {"logprobs": {"tokens": list(map(str, ids)), "token_logprobs": row}}
        tables = [
            None if value is None else {str(token): {"logprob": value, "rank": 1, "decoded_token": "?"}}
            for token, value in zip(ids, row, strict=False)
        ]
        return choice | {"prompt_logprobs": tables}

    def _generated(self, ids: list[int], row: list[float | None], start: int) -> Any:
        """Write what SGLang does: the tokens from `start` on, the first of them without a value."""
        tokens = [
            [None if at == start else value, token, None]
            for at, (value, token) in enumerate(zip(row, ids, strict=False))
        ]
        facts = {"prompt_tokens": len(ids), "completion_tokens": 0, "input_token_logprobs": tokens[start:]}
        return {"text": "", "meta_info": facts}

    def _chat(self, body: Any, fault: str) -> Any:
        text = self.owner.reply(body)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }
        if fault == "refusal":
            choice["message"] = {"role": "assistant", "content": None, "refusal": "I will not."}
        elif fault == "filter":
            choice |= {"message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}
        elif body.get("logprobs"):
            top = [
                {"token": token, "logprob": value}
                for token, value in (("2", -0.7), (" 2", -2.3), ("3", -1.2), ("x", -3.0))
            ]
            choice["logprobs"] = {"content": [{"token": "2", "logprob": -0.7, "top_logprobs": top}]}
        usage = {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13}
        return {"object": "chat.completion", "model": self.owner.model, "choices": [choice], "usage": usage}

    def _facts(self, body: Any) -> Any:
        if body is None:
            return {"object": "list", "data": [{"id": self.owner.model, "object": "model", "max_model_len": 200}]}
        tokens = self.owner.tokenize(body["prompt"])
        return {"tokens": tokens, "count": len(tokens), "max_model_len": 200}

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(content).encode(), headers)

    def _bytes(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self._head(status, len(content), headers)
        self.wfile.write(content)
        self.wfile.flush()

    def _head(self, status: int, length: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(length),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
