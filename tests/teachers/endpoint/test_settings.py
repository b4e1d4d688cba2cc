"""What a server's settings refuse, and the parts of asking that need no server: budget, waits, dates."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from workbench.errors import BadSetting, BudgetSpent
from workbench.teachers import teacher
from workbench.teachers.endpoint import retry
from workbench.teachers.endpoint.budget import Budget, Usage
from workbench.teachers.endpoint.settings import ServerSettings, is_loopback

HERE = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "ftp://host/v1"},
        {"url": "host:8000"},
        {"url": "http://host/v1"},
        {"url": "http://[::1"},
        {"url": "http://127.0.0.1:port"},
        {"url": "https://host/v1?key=sk-1"},
        {"url": "https://me:sk-1@host/v1"},
        {"url": 8000},
        {"model": ""},
        {"protocol": "ollama"},
        {"concurrency": 0},
        {"concurrency": True},
        {"timeout": 0},
        {"timeout": None},
        {"timeout": float("nan")},
        {"retries": -1},
        {"max_requests": 0},
        {"max_requests": 1.5},
        {"max_total_tokens": "100"},
        {"max_cost": 1.0},
        {"max_cost": 1.0, "input_price": 1.0},
        {"max_cost": 0.0, "input_price": 1.0, "output_price": 1.0},
        {"input_price": -1.0},
        {"max_tokens": 0},
        {"max_passage_tokens": 0},
        {"normalisation": "max"},
        {"bos": "yes"},
        {"key_variable": "NOT_IN_THIS_ENVIRONMENT"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting) as error:
        teacher("endpoint", **{"url": HERE, "model": "m"} | settings)
    assert "sk-1" not in str(error.value)


def test_a_key_in_place_of_its_variable_is_not_repeated() -> None:
    with pytest.raises(BadSetting) as error:
        ServerSettings(HERE, "m", key_variable="hf_abcdef")
    assert "hf_abcdef" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "base", "root"),
    [
        (HERE, f"{HERE}/v1", HERE),
        (f"{HERE}/", f"{HERE}/v1", HERE),
        (f"{HERE}/v1/", f"{HERE}/v1", HERE),
        ("https://host/api/v1", "https://host/api/v1", "https://host/api"),
        ("https://host/v1beta/openai/", "https://host/v1beta/openai", "https://host/v1beta/openai"),
    ],
)
def test_paths_begin_where_the_address_says(url: str, base: str, root: str) -> None:
    settings = ServerSettings(url, "m")
    assert (settings.base_url, settings.root) == (base, root)


def test_only_this_machine_is_asked_without_encryption_unless_it_is_allowed() -> None:
    assert all(map(is_loopback, ("http://localhost:1", "http://127.8.0.1", "http://[::1]:80", "http://x.localhost")))
    assert not any(map(is_loopback, ("http://localhost.example.com", "http://10.0.0.1", "http://127.0.0.1.nip.io")))
    assert ServerSettings("http://10.0.0.1/v1", "m", allow_http=True).base_url == "http://10.0.0.1/v1"


def test_retry_after_is_seconds_or_a_date() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    dates = {seconds: format_datetime(now + timedelta(seconds=seconds), usegmt=True) for seconds in (90, -90)}
    asked = {"7": 7.0, "0.5": 0.5, "-3": 0.0, dates[90]: 90.0, dates[-90]: 0.0, "soon": None, "": None}
    assert {value: retry.retry_after({"retry-after": value}, now) for value in asked} == asked
    assert retry.retry_after({}) is None


def test_waits_double_are_drawn_and_never_exceed_the_longest() -> None:
    draw = random.Random(0)
    waits = [[retry.wait(attempt, None, 20.0, draw) for _ in range(50)] for attempt in range(12)]
    for attempt, drawn in enumerate(waits):
        assert max(drawn) <= min(20.0, 0.5 * 2**attempt)
        assert min(drawn) >= min(20.0, 0.25 * 2**attempt)
    assert len(set(waits[2])) == 50
    assert 7.0 <= retry.wait(0, 7.0, 20.0, draw) <= 7.5
    assert retry.wait(0, 7000.0, 20.0, draw) == 20.0
    assert retry.wait(0, float("inf"), 20.0, draw) == 20.0


def test_a_budget_gives_back_what_was_not_used() -> None:
    budget = Budget(ServerSettings(HERE, "m", max_total_tokens=100, input_price=3.0, output_price=10.0))
    most = Usage(1, 40, 20)
    assert budget.reserve(most)
    assert not budget.reserve(most)  # something may be given back
    budget.settle(most, Usage(1, 40, 0))
    assert budget.reserve(most)
    budget.settle(most, most)
    with pytest.raises(BudgetSpent, match=r"=100 is spent: 2 requests, 100 tokens, at a cost of 0\.00044"):
        budget.reserve(Usage(1, 1, 0))


def test_a_budget_may_be_spent_to_the_last_bit() -> None:
    budget = Budget(ServerSettings(HERE, "m", max_cost=0.3, input_price=1e5, output_price=0.0))
    for _ in range(3):
        assert budget.reserve(Usage(1, 1, 0))
        budget.settle(Usage(1, 1, 0), Usage(1, 1, 0))
    with pytest.raises(BudgetSpent):
        budget.reserve(Usage(1, 1, 0))
