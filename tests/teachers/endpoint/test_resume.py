"""Scoring with a server that is interrupted, killed, or out of budget: it goes on where it was."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Timer

import pytest

from tests import children
from tests.teachers.endpoint.server import ModelServer
from tests.teachers.endpoint.test_teacher import asking
from workbench.errors import BudgetSpent
from workbench.steps.teach.scoring.score import score
from workbench.store import Store, views

PAIRS = 12  # three queries with answers and four passages
CONCURRENCY = 2


@pytest.fixture
def server(llama: Path) -> Iterator[ModelServer]:
    with ModelServer(llama, seconds=0.1) as running:
        yield running


def count(store: Store, server: ModelServer) -> int:
    return views.pair_counts(store, asking(server).name).scored


def goes_on(store: Store, server: ModelServer, lost: int) -> None:
    """Score the rest: only what was not kept is asked again, at most `lost` pairs, and nothing is missing."""
    before, answered = count(store, server), len(server.pairs())
    assert 0 < before < PAIRS
    assert answered - lost <= before <= answered
    result = score(store, asking(server))
    assert (result.scored_before, result.pairs, result.failures) == (before, PAIRS - before, 0)
    assert count(store, server) == PAIRS
    assert len(server.pairs()) == answered + PAIRS - before
    assert sum(times - 1 for times in Counter(server.pairs()).values()) == answered - before


def start(store: Store, server: ModelServer) -> children.Child:
    settings = {"url": server.url, "tokenizer": str(server.folder), "concurrency": CONCURRENCY, "retries": 0}
    options = [f"--set={name}={value}" for name, value in settings.items()]
    return children.workbench("score", "--teacher", "endpoint", "--model", "tiny", *options, workspace=store.path)


@pytest.mark.process
def test_killed_it_loses_only_what_is_under_way(store: Store, server: ModelServer, moments: random.Random) -> None:
    child = start(store, server)
    pairs, deadline = moments.randint(4, 8), time.monotonic() + 120
    while len(server.pairs()) < pairs:
        assert child.poll() is None, child.stderr
        assert time.monotonic() < deadline
        time.sleep(0.005)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    server.wait_until_idle()  # what was sent before the kill is answered to nobody
    goes_on(store, server, lost=CONCURRENCY)


@pytest.mark.process
def test_ctrl_c_keeps_what_was_answered(store: Store, server: ModelServer, moments: random.Random) -> None:
    pairs, interrupted = moments.randint(2, 8), []

    def interrupt(_number: int, _request: object) -> str:
        if len(server.pairs()) >= pairs and not interrupted:
            interrupted.append(pairs)
            Timer(moments.uniform(0.0, server.seconds), os.kill, (os.getpid(), signal.SIGINT)).start()
        return ""

    server.fault = interrupt
    result = score(store, asking(server, concurrency=1))
    server.fault = lambda _number, _request: ""
    assert result.interrupted
    assert result.remaining == PAIRS - result.pairs
    server.wait_until_idle()
    goes_on(store, server, lost=1)


def test_a_spent_budget_keeps_what_was_paid_for(store: Store, server: ModelServer) -> None:
    with pytest.raises(BudgetSpent):
        score(store, asking(server, max_requests=12))
    assert len(server.received) == 12
    goes_on(store, server, lost=0)


def test_what_failed_is_asked_again_alone(store: Store, server: ModelServer) -> None:
    server.fault = lambda number, _request: "500" if number in (6, 7) else ""
    first = score(store, asking(server, retries=0, concurrency=1))
    assert (first.pairs, first.failures) == (PAIRS, 2)
    asked = len(server.pairs())
    server.fault = lambda _number, _request: ""
    again = score(store, asking(server), retry=("failed",))
    assert (again.pairs, again.failures) == (2, 0)
    assert len(server.pairs()) == asked + 2 == PAIRS


def test_each_answer_is_committed_as_it_comes(store: Store, server: ModelServer) -> None:
    counts = []

    def look(_number: int, _request: object) -> str:
        counts.append(count(store, server))
        return ""

    server.fault = look
    score(store, asking(server, concurrency=1))
    pairs = counts[4:]  # behind the probe and the first query alone
    assert pairs[-1] >= PAIRS - 3
    assert max(later - earlier for earlier, later in pairwise(pairs)) <= 2
