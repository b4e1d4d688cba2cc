"""A judge and a reader behind a chat server, and what is said and asked before money is spent."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from pathlib import Path
from typing import Any

import pytest

from tests.readers.test_completion import GROUPS, answers
from tests.shell import shell, worked
from tests.teachers.endpoint.server import ModelServer
from tests.teachers.judge.scripted import group, rows
from workbench.errors import BadSetting
from workbench.readers import reader
from workbench.steps.teach.scoring.score import score
from workbench.steps.teach.scoring.score_estimate import score_estimate
from workbench.store import Store, views
from workbench.teachers import teacher, teacher_settings
from workbench.teachers.judge.teacher import FORMS


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(tmp_path) as running:
        yield running


def judge(server: ModelServer, **settings: Any) -> Any:
    return teacher("judge", model=server.model, url=server.url, **{"longest_wait": 0.02, "retries": 2} | settings)


def test_a_judge_asks_a_server(store: Store, server: ModelServer) -> None:
    asked = judge(server, concurrency=3)
    result = score(store, asked)
    assert (result.pairs, result.failures) == (12, 0)
    assert len(server.received) == asked.spent.requests == 12
    masses = exp(-0.7) + exp(-2.3), exp(-1.2)
    expected = (2 * masses[0] + 3 * masses[1]) / sum(masses)
    assert [row.value for row in views.utilities(store, result.teacher)] == pytest.approx([expected] * 12)
    assert result.teacher.startswith("judge:tiny-served:pointwise-")
    assert score(store, judge(server)).pairs == 0


def test_refused_and_unreadable_replies_are_kept_as_such(store: Store, server: ModelServer) -> None:
    server.fault = lambda number, _request: "refusal" if number == 1 else ""
    server.reply = lambda _body: "as you like"
    result = score(store, judge(server, expected=False, concurrency=1))
    assert (result.refused, result.unreadable) == (1, 11)
    assert {row.answer for row in views.failures(store, result.teacher)} == {"I will not.", "as you like"}


def test_each_reply_is_committed_as_it_comes(store: Store, server: ModelServer) -> None:
    counts: list[int] = []
    asked = judge(server, concurrency=1)

    def look(_number: int, _request: object) -> str:
        counts.append(views.pair_counts(store, asked.name).scored)
        return ""

    server.fault = look
    score(store, asked)
    assert counts == list(range(12))


def test_the_settings_of_a_server_come_last_and_are_checked() -> None:
    names = [setting.name for setting in teacher_settings("judge")]
    assert names[:2] == ["model", "form"]
    assert names.index("url") < names.index("key_variable")
    with pytest.raises(BadSetting, match="unencrypted"):
        teacher("judge", model="m", url="http://10.0.0.1/v1")
    with pytest.raises(BadSetting, match="concurrency"):
        teacher("judge", model="m", concurrency=0)


def test_an_estimate_counts_requests_and_money(store: Store, server: ModelServer) -> None:
    estimate = score_estimate(store, judge(server, input_price=1.0, output_price=10.0))
    assert estimate is not None
    assert (estimate.pairs, estimate.requests, server.received) == (12, 12, [])
    assert estimate.cost == pytest.approx((estimate.input_tokens + 10 * estimate.output_tokens) / 1e6)
    assert estimate.in_words.startswith("12 pairs take about 12 requests and ")
    half = score_estimate(store, judge(server), split="test", limit=1)
    assert half is not None
    assert (half.pairs, half.cost) == (4, None)
    assert score_estimate(store, teacher("lexical")) is None


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_an_estimate_of_what_it_asks(server: ModelServer, form: str) -> None:
    server.reply = lambda _body: "A" if form == "pairwise" else "My selection: [1]"
    asked = judge(server, form=form, window=4, stride=2)
    asked.prepare(())
    groups = [group(*range(9)), group(4, 5, query_id="q2")]
    estimate = asked.estimate(groups)
    assert server.received == []
    rows(asked, *groups)
    if form in ("pairwise", "selection"):  # these ask on by what is replied: here as little as can be
        assert asked.spent.requests < estimate.requests < 5 * asked.spent.requests
    else:
        assert estimate.requests == asked.spent.requests
    assert estimate.input_tokens > 10 * estimate.requests


def test_money_is_spent_after_a_yes(store: Store, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    questions: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda question, **_: bool(questions.append(question)))
    budget = ["max_cost=1", "input_price=1", "output_price=1"]
    line = ["score", "--teacher=judge", "--model=tiny", f"--set=url={server.url}", *(f"--set={one}" for one in budget)]
    refused = shell(*line, workspace=store.path)
    assert refused.code == 1
    assert "12 pairs take about 12 requests" in refused.err
    assert questions == ["Ask the server?"]
    assert server.received == []
    done = worked(*line, "--yes", workspace=store.path)
    assert "asked for: 12 requests, 156 tokens, at a cost of 0.000156" in done.err
    assert len(server.received) == 12
    assert len(questions) == 1


def test_a_reader_asks_a_server(server: ModelServer) -> None:
    server.reply = lambda body: body["messages"][-1]["content"].rpartition("Question: ")[2]
    rows = answers(reader("endpoint", url=server.url, model="tiny", max_new_tokens=9), GROUPS)
    assert {row.answer for row in rows.values()} == {group.query.text.strip() for group in GROUPS}
    assert {request.body["max_tokens"] for request in server.received} == {9}
    with pytest.raises(BadSetting, match="max_new_tokens"):
        reader("endpoint", url=server.url, model="tiny", max_new_tokens=0)
