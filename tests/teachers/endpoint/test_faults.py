"""Servers that fail: no pair is lost, none is asked again once it is answered, and the budget holds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.teachers.endpoint.server import ModelServer, Received
from tests.teachers.endpoint.test_teacher import asking
from tests.teachers.likelihood.test_teacher import GROUPS, prepared, scored
from workbench.errors import BudgetSpent, ServerUnavailable
from workbench.records import Failure, Scored, Utility
from workbench.teachers.endpoint.teacher import Endpoint

PROBES = 3
SHORT = 2.0  # seconds: a good answer comes in a hundredth of it, and on a busy machine in less
FAULTS = ("429", "429 after 0.01", "500", "503", "hang", "cut", "slow", "malformed", "short")


def at(fault: str, *numbers: int) -> Callable[[int, Received], str]:
    """Have a fault in the nth requests for tokens, counted behind the probe's."""
    return lambda number, _request: fault if number - PROBES in numbers else ""


def after(fault: str, number: int) -> Callable[[int, Received], str]:
    """Have a fault from the nth request for tokens on."""
    return lambda now, _request: fault if now - PROBES >= number else ""


def until_stopped(teacher: Endpoint) -> tuple[list[Scored], Exception | None]:
    """Return what was yielded, and the error that ended it."""
    rows: list[Scored] = []
    try:
        for batch in teacher.utilities(GROUPS[:3]):
            rows += batch
    except (BudgetSpent, ServerUnavailable) as error:
        return rows, error
    return rows, None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_that_passes_costs_no_pair(server: ModelServer, fault: str) -> None:
    server.fault = at(fault, 1, 2, 5)
    there = scored(asking(server, timeout=SHORT if fault in ("hang", "slow") else 60.0), GROUPS[:3])
    here = scored(prepared(server.folder), GROUPS[:3])
    assert {pair: one.value for pair, one in there.items() if isinstance(one, Utility)} == pytest.approx(
        {pair: one.value for pair, one in here.items() if isinstance(one, Utility)}, abs=1e-4
    )
    assert len(server.asked) == PROBES + 10 + 3
    usable = [request for request in server.answered if fault != "short"]
    assert max(Counter(server.sequences(usable[PROBES:])).values(), default=1) == 1


@pytest.mark.parametrize("fault", ["429", "500", "hang", "cut", "malformed"])
def test_a_request_that_always_fails_fails_alone(server: ModelServer, fault: str) -> None:
    server.seconds = 0.01
    victim: list[Any] = []

    def always(number: int, request: Received) -> str:
        if number == PROBES + 2:
            victim.append(request.body)
        return fault if request.body in victim else ""

    server.fault = always
    rows = scored(asking(server, timeout=SHORT if fault == "hang" else 60.0, concurrency=1), GROUPS[:3])
    failures = [one for one in rows.values() if isinstance(one, Failure)]
    assert len(failures) == 1
    assert "3 times" in failures[0].reason
    assert len(server.asked) == PROBES + 10 + 2


def test_a_request_that_the_server_refuses_is_sent_once(server: ModelServer) -> None:
    server.fault = at("400 too long", 2)
    rows = scored(asking(server, concurrency=1), GROUPS[:3])
    (failure,) = (one for one in rows.values() if isinstance(one, Failure))
    assert failure.reason == "HTTP 400: too long"
    assert len(server.asked) == PROBES + 10


@pytest.mark.parametrize(
    ("fault", "problem"),
    [("404", "does not serve tiny"), ("401", "refuses access"), ("other model", "answered with another")],
)
def test_what_every_request_would_meet_ends_it_at_once(server: ModelServer, fault: str, problem: str) -> None:
    server.fault = after(fault, 4)
    rows, error = until_stopped(asking(server, concurrency=2))
    assert problem in str(error)
    assert len(server.asked) <= PROBES + 3 + 2
    assert all(isinstance(one, Utility) for one in rows)
    assert 1 <= len(rows) <= 3


def test_a_server_that_always_fails_is_left_alone(server: ModelServer) -> None:
    server.fault = after("500", 3)
    groups = [group._replace(query=group.query._replace(query_id=f"{number}", text=f"{number}"))
              for number in range(20) for group in GROUPS[:1]]  # fmt: skip
    teacher = asking(server, concurrency=1, retries=0)
    with pytest.raises(ServerUnavailable, match="10 requests in a row failed"):
        list(teacher.utilities(groups))
    assert len(server.asked) == PROBES + 2 + 10


def test_a_server_that_is_not_there_says_so(server: ModelServer) -> None:
    teacher = asking(server)
    server.__exit__()
    rows, error = until_stopped(teacher)
    assert "cannot be reached" in str(error)
    assert rows == []


def test_a_server_that_asks_to_wait_is_waited_for(server: ModelServer) -> None:
    def fault(number: int, _request: Received) -> str:
        if number - PROBES == 1:
            return "429 after 2"
        # What is under way ends after the refusal came.
        server.over.wait(1.5 if 0 < number - PROBES <= 3 else 0)
        return ""

    server.fault = fault
    scored(asking(server, longest_wait=5.0, concurrency=4), GROUPS[:3])
    first, *later = [request.moment for request in server.asked[PROBES:]]
    # The first three are those of the queries without a passage, which their pairs wait for.
    assert sum(moment - first < 2 for moment in later) <= 2


def test_a_date_to_wait_for_is_understood(server: ModelServer) -> None:
    server.fault = at("429 at date", 1)
    scored(asking(server, longest_wait=5.0, concurrency=1), GROUPS[:1])
    first, *later = [request.moment for request in server.asked[PROBES:]]
    assert later[0] - first >= 0.4  # the date has whole seconds: between 0.5 and 1.5 from now


def test_no_wait_is_longer_than_allowed(server: ModelServer) -> None:
    server.fault = at("429 after 3600", 1)
    started = time.monotonic()
    assert all(isinstance(one, Utility) for one in scored(asking(server), GROUPS[:3]).values())
    assert time.monotonic() - started < 300


@pytest.mark.parametrize("fault", ["", "429", "500", "malformed", "cut"])
def test_the_budget_of_requests_holds_to_the_request(server: ModelServer, fault: str) -> None:
    server.fault = at(fault, 2, 4)
    teacher = asking(server, max_requests=11, concurrency=4)
    rows, error = until_stopped(teacher)
    assert isinstance(error, BudgetSpent)
    assert "max_requests=11" in str(error)
    assert len(server.received) == 11
    # What was paid for is kept: a row for each pair that was answered.
    assert len(rows) == len(server.pairs())


def test_the_budget_of_tokens_holds(server: ModelServer) -> None:
    teacher = asking(server, max_total_tokens=400)
    rows, error = until_stopped(teacher)
    assert "max_total_tokens=400" in str(error)
    sent = sum(len(ids) + 1 for ids in server.sequences(server.asked))
    assert 300 < sent <= 400
    assert len(rows) == len(server.pairs())


def test_the_budget_of_money_holds(server: ModelServer) -> None:
    teacher = asking(server, max_cost=0.0004, input_price=1.0, output_price=2.0)
    _, error = until_stopped(teacher)
    assert "max_cost=0.0004" in str(error)
    assert "at a cost of 0.000" in str(error)
    cost = sum(len(ids) * 1.0 + 2.0 for ids in server.sequences(server.asked)) / 1e6
    assert 0.0003 < cost <= 0.0004


def test_the_key_is_sent_and_never_repeated(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.key = "sk-very-secret"
    monkeypatch.setenv("TINY_KEY", server.key)
    server.fault = at("500 your key is", 1, 2, 3)
    teacher = asking(server, key_variable="TINY_KEY", concurrency=1)
    rows = scored(teacher, GROUPS[:1])
    assert {request.headers["authorization"] for request in server.received} == {f"Bearer {server.key}"}
    assert "your key is [key]" in str(rows)
    assert server.key not in str(rows) + repr(teacher.settings) + teacher.name
    monkeypatch.setenv("TINY_KEY", "sk-another-secret")
    with pytest.raises(ServerUnavailable, match="refuses access") as error:
        scored(asking(server, key_variable="TINY_KEY"), GROUPS[:1])
    assert "secret" not in str(error.value)
    assert "TINY_KEY" in str(error.value)


def test_without_a_key_none_of_the_environment_is_sent(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "sk-of-another-server")
    scored(asking(server), GROUPS[:1])
    assert "sk-of-another-server" not in str([request.headers for request in server.received])
