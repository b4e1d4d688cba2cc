"""`workbench cases`: rules and their thresholds."""

from __future__ import annotations

from tests.shell import worked
from workbench.store import Store
from workbench.store.views import RULES


def test_thresholds_are_set_by_name(store: Store) -> None:
    thresholds = ("unjudged=2", "margin=0.5", "alike=0.9", "apart=1")
    options = [word for threshold in thresholds for word in ("--set", threshold)]
    cases = worked("cases", "after", *options, "--rule", "unjudged but high", "--json", workspace=store.path).json
    assert len(cases) == 3
    assert "unjudged but high: 3" in worked("cases", "after", *options, workspace=store.path).out


def test_cases_of_one_rule_are_some_of_all_cases(store: Store) -> None:
    cases = worked("cases", "before", "--set", "far=2", "--json", workspace=store.path).json
    assert {"rules", "query_id", "passage_id", "why", "utility", "after"} <= cases[0].keys()
    only = worked("cases", "before", "--set", "far=2", "--rule", "useful but far", "--json", workspace=store.path).json
    assert only == [case for case in cases if "useful but far" in case["rules"]] != []
    assert "useful but far: 1" in worked("cases", "before", "--set", "far=2", workspace=store.path).out
    printed = worked("cases", "before", "--set", "far=2", "--rule", "useful but far", workspace=store.path).out
    assert RULES["useful but far"].meaning in " ".join(printed.split())
    assert [name for name in RULES if f"{name}:" in printed] == ["useful but far"]
