"""`workbench cases`: rules and their thresholds."""

from __future__ import annotations

from tests.shell import worked
from workbench.store import Store


def test_thresholds_are_set_by_name(store: Store) -> None:
    thresholds = ("unjudged=2", "margin=0.5", "alike=0.9", "apart=1")
    options = [word for threshold in thresholds for word in ("--set", threshold)]
    cases = worked("cases", "after", *options, "--rule", "unjudged but high", "--json", workspace=store.path).json
    assert len(cases) == 3
    assert "unjudged but high: 3" in worked("cases", "after", *options, workspace=store.path).out
