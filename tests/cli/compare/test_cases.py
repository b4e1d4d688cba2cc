"""`workbench cases`: rules and their thresholds."""

from __future__ import annotations

from tests.shell import worked
from workbench.store import Store


def test_each_threshold_is_where_its_option_puts_it(store: Store) -> None:
    options = ("--unjudged", 2, "--margin", 0.5, "--alike", 0.9, "--apart", 1)
    cases = worked("cases", "after", *options, "--rule", "unjudged but high", "--json", workspace=store.path).json
    assert len(cases) == 3
    assert "unjudged but high: 3" in worked("cases", "after", *options, workspace=store.path).out
