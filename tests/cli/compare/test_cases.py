"""`workbench cases`: rules and their thresholds."""

from __future__ import annotations

import json

import workbench as wb
from tests.conftest import PASSAGES, QRELS, QUERIES, run, toy_without_utilities
from tests.shell import shell, worked
from workbench.records import Failure, Hit
from workbench.store import Store, views
from workbench.store.views import RULES, Thresholds


def test_thresholds_are_set_by_name(store: Store) -> None:
    thresholds = ("unjudged=2", "margin=0.5", "alike=0.9", "apart=1")
    options = [word for threshold in thresholds for word in ("--set", threshold)]
    cases = worked("cases", "after", *options, "--rule", "unjudged but high", "--json", workspace=store.path).json
    assert len(cases) == 3
    assert "unjudged but high: 3" in worked("cases", "after", *options, workspace=store.path).out


def test_cases_of_one_rule_are_some_of_all_cases(store: Store) -> None:
    printed = worked("cases", "before", "--set", "far=2", "--json", workspace=store.path)
    cases = printed.json
    assert printed.out == json.dumps(cases, indent=2, ensure_ascii=False) + "\n"
    assert {"rules", "query_id", "passage_id", "why", "utility", "after"} <= cases[0].keys()
    only = worked("cases", "before", "--set", "far=2", "--rule", "useful but far", "--json", workspace=store.path).json
    assert only == [case for case in cases if "useful but far" in case["rules"]] != []
    assert "useful but far: 1" in worked("cases", "before", "--set", "far=2", workspace=store.path).out
    printed = worked("cases", "before", "--set", "far=2", "--rule", "useful but far", workspace=store.path).out
    assert RULES["useful but far"].meaning in " ".join(printed.split())
    assert [name for name in RULES if f"{name}:" in printed] == ["useful but far"]


def test_rules_that_need_no_utilities_work_without_a_teacher(empty: Store) -> None:
    empty.add_collection(QUERIES, PASSAGES, QRELS)
    for name, order in (("before", ["03", "p/1"]), ("after", ["p 2", "ü", "03"])):
        hits = [Hit(f"{name}@test", "http://q/2?x=1", passage, rank, 1 / rank) for rank, passage in enumerate(order, 1)]
        empty.add_run(run(name), hits)
    printed = worked("cases", "after", "--before", "before", "--json", workspace=empty.path)
    assert {rule for case in printed.json for rule in case["rules"]} == {"got worse", "unjudged but high"}
    assert "left out are the rules that need utilities, useful but far" in printed.err
    frame = wb.hard_cases(empty, "after", rule="got worse", before="before")
    assert frame["passage_id"].tolist() == ["03"]
    refused = shell("cases", "after", "--rule", "useful but far", workspace=empty.path)
    assert refused.code == 1
    assert "needs utilities, and no teacher has scored anything yet" in refused.err
    assert "unjudged but high" in refused.err


def test_a_teacher_that_only_failed_is_none(empty: Store) -> None:
    toy_without_utilities(empty)
    empty.add_scored([Failure("q1", "p/1", "odd", "no room")])
    printed = worked("cases", "after", workspace=empty.path)
    assert "unjudged but high: 1" in printed.out
    assert "No teacher has scored anything yet" in printed.err


def test_rules_that_need_utilities_are_marked(store: Store) -> None:
    """Each rule that is not marked finds the same without a teacher as with one that has scored nothing."""
    chosen = views.find_run(store, "after", "test"), views.find_run(store, "before", "test")
    for name, rule in RULES.items():
        cases = views.hard_cases(store, "nobody", *chosen, Thresholds(unjudged=3))
        assert not (rule.needs_utilities and any(name in case.rules for case in cases))
    assert views.hard_cases(store, None, *chosen) == views.hard_cases(store, "nobody", *chosen) != []
