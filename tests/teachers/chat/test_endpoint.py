"""A chat with a server: replies, choices, refusals, what a server does not understand, and faults."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from tests.teachers.endpoint.server import ModelServer
from workbench.errors import BudgetSpent, ServerUnavailable
from workbench.teachers.chat.endpoint import EndpointChat, choice_log_probabilities, most_of, reply_of
from workbench.teachers.chat.protocol import Message, Prompt, Reply
from workbench.teachers.endpoint.settings import ServerSettings

GRADES = ("0", "1", "2", "3")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(tmp_path) as running:
        running.reply = lambda body: f"re: {body['messages'][-1]['content']}"
        yield running


def chat(server: ModelServer, **options: Any) -> EndpointChat:
    return EndpointChat(ServerSettings(server.url, server.model, **{"longest_wait": 0.02, "retries": 2} | options))


def prompt(text: str, *choices: str, temperature: float = 0.0) -> Prompt:
    return Prompt((Message("system", "Judge."), Message("user", text)), 5, temperature, choices)


def test_each_prompt_has_its_reply_once(server: ModelServer) -> None:
    asked = [prompt(f"ü {number}") for number in range(20)]
    replies = dict(chat(server).answers(asked))
    assert replies == {number: Reply(f"re: ü {number}") for number in range(20)}
    body = server.received[0].body
    assert set(body) == {"model", "messages", "temperature", "max_tokens"}
    assert body["messages"][0] == {"role": "system", "content": "Judge."}
    assert list(chat(server).answers([])) == []


def test_a_sampled_reply_is_asked_for_with_the_seed(server: ModelServer) -> None:
    sampled = EndpointChat(ServerSettings(server.url, "org/a b:c"), seed=7)
    assert sampled.name == "org/a-b-c-served-seed7"
    list(sampled.answers([prompt("x", temperature=0.7)]))
    assert (server.received[0].body["seed"], server.received[0].body["temperature"]) == (7, 0.7)


def test_choices_have_the_probability_of_their_tokens_with_and_without_a_space(server: ModelServer) -> None:
    ((_, reply),) = chat(server).answers([prompt("grade", *GRADES)])
    assert reply.choice_log_probabilities == pytest.approx({"2": log(exp(-0.7) + exp(-2.3)), "3": -1.2})
    assert server.received[0].body["top_logprobs"] == 20


def test_a_token_stands_for_the_only_choice_that_begins_with_it() -> None:
    listed = {"content": [{"top_logprobs": [{"token": " use", "logprob": -1.0}, {"token": "u", "logprob": -2.0},
                                            {"token": " ", "logprob": -0.1}]}]}  # fmt: skip
    assert choice_log_probabilities(("useful", "none"), listed) == pytest.approx({"useful": log(exp(-1) + exp(-2))})
    assert choice_log_probabilities(("useful", "useless"), listed) is None
    assert choice_log_probabilities((), listed) is None
    assert choice_log_probabilities(("a",), {"content": None}) is None


@pytest.mark.parametrize(("fault", "text"), [("refusal", "I will not."), ("filter", "")])
def test_what_is_declined_is_refused(server: ModelServer, fault: str, text: str) -> None:
    server.fault = lambda _number, _request: fault
    assert list(chat(server).answers([prompt("x")])) == [(0, Reply(text, refused=True))]


def test_a_reply_cut_before_it_began_is_an_error() -> None:
    cut = {"choices": [{"message": {"content": None}, "finish_reason": "length"}]}
    assert "nothing to be read in 5 tokens" in reply_of(prompt("x"), cut).error
    ended = {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}
    assert reply_of(prompt("x"), ended) == Reply("")


@pytest.mark.parametrize(
    ("message", "parameter"),
    [("use max_completion_tokens instead", "max_tokens"), ("logprobs are not supported", "logprobs")],
)
def test_a_server_that_does_not_know_a_parameter_is_asked_without_it(
    server: ModelServer, message: str, parameter: str
) -> None:
    server.fault = lambda _number, request: f"400 {message}" if parameter in request.body else ""
    one = chat(server, concurrency=2)
    asked = [prompt(f"{number}", *GRADES) for number in range(6)]
    assert dict(one.answers(asked)).keys() == set(range(6))
    assert all(not reply.error for _, reply in one.answers(asked))
    assert sum(parameter in request.body for request in server.received) <= 2


@pytest.mark.parametrize("fault", ["429", "500", "cut", "malformed"])
def test_a_prompt_that_always_fails_fails_alone(server: ModelServer, fault: str) -> None:
    server.fault = lambda _number, request: fault if "bad" in str(request.body) else ""
    replies = dict(chat(server).answers([prompt("one"), prompt("bad"), prompt("two")]))
    assert [replies[at].text for at in range(3)] == ["re: one", "", "re: two"]
    assert "3 times" in replies[1].error
    assert len(server.received) == 5


def test_the_budget_holds_and_what_was_answered_is_yielded(server: ModelServer) -> None:
    replies = []
    with pytest.raises(BudgetSpent, match="max_requests=7"):
        for reply in chat(server, max_requests=7).answers([prompt(f"{number}") for number in range(20)]):
            replies.append(reply)
    assert len(replies) == len(server.received) == 7


def test_tokens_are_reserved_at_most_and_settled_as_reported(server: ModelServer) -> None:
    one = chat(server, max_total_tokens=400, concurrency=4)
    replies = []
    with pytest.raises(BudgetSpent):
        for reply in one.answers([prompt("x" * 50) for _ in range(99)]):
            replies.append(reply)
    most = most_of(prompt("x" * 50)).tokens
    assert 400 - most < one.budget.spent.tokens == 13 * len(replies) <= 400


def test_no_access_ends_it_without_the_key(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.key = "sk-right"
    monkeypatch.setenv("TINY_KEY", "sk-wrong")
    with pytest.raises(ServerUnavailable, match="Check the key in TINY_KEY") as error:
        list(chat(server, key_variable="TINY_KEY").answers([prompt("x")]))
    assert "sk-" not in str(error.value)
