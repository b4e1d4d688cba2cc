"""The queue of hard cases: which there are, which are waiting, and which one is on the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from workbench.records import Annotation
from workbench.store import Store
from workbench.store.views import RULES, HardCase, Thresholds
from workbench.ui import cached, choices, parts
from workbench.ui.choices import Pair

Key = tuple[str, str]
NO_BASE = "(none)"


@dataclass(frozen=True)
class Queue:
    """The cases of one rule in order, and what this annotator has said of them."""

    cases: Sequence[HardCase]
    judged: Mapping[Key, Annotation]

    def current(self) -> HardCase | None:
        """Return the case that the link names, else the first that waits, else the first."""
        wanted = (st.query_params.get("query", ""), st.query_params.get("passage", ""))
        named = next((case for case in self.cases if key(case) == wanted), None)
        return named or next(iter(self.waiting()), None) or next(iter(self.cases), None)

    def waiting(self) -> list[HardCase]:
        """Return the cases without a verdict, those skipped in this session last."""
        skipped: Collection[Key] = st.session_state.get("skipped", ())
        open_cases = [case for case in self.cases if key(case) not in self.judged]
        return sorted(open_cases, key=lambda case: key(case) in skipped)

    def after(self, case: HardCase) -> HardCase | None:
        """Return the case to judge after this one: the next that waits, from its place on, then from the start."""
        place = next((place for place, each in enumerate(self.cases) if key(each) == key(case)), 0)
        waiting = [each for each in self.waiting() if key(each) != key(case)]
        later = {key(each) for each in self.cases[place:]}
        skipped: Collection[Key] = st.session_state.get("skipped", ())
        return next(
            (each for each in waiting if key(each) in later and key(each) not in skipped), next(iter(waiting), None)
        )


def key(case: HardCase) -> Key:
    """Return what identifies a case within a rule."""
    return case.query_id, case.passage_id


def cases(store: Store, chosen: Pair) -> list[HardCase] | None:
    """Let a person choose a rule and its thresholds; return its cases, strongest first."""
    others = [run for run in cached.runs(store, chosen.run.split) if run.student != chosen.run.student]
    with st.expander("Thresholds of the rules", icon=":material/tune:"):
        lines = _thresholds()
        names = [NO_BASE, *(run.student for run in others)]
        usual, _ = choices.base_and_trained(store, [*others, chosen.run])
        base = choices.one(
            "Before training", names, "base", usual, "For “got worse”: the student that it is compared with."
        )
    before = next((run for run in others if run.student == base), None)
    found = cached.hard_cases(store, chosen.teacher, chosen.run, before, lines)
    if not found:
        parts.empty(
            "No candidate pair answers to any rule with these thresholds. Move them, or choose another student."
        )
        return None
    counted = Counter(case.rule for case in found)
    rule = _rule(counted)
    return [case for case in found if case.rule == rule]


def judged(store: Store, annotator: str) -> dict[Key, Annotation]:
    """Return this annotator's last word on each pair."""
    said = cached.verdicts(store, latest=True)
    return {(each.query_id, each.passage_id): each for each in said if each.annotator == annotator}


def _rule(counted: Mapping[str, int]) -> str:
    options = {rule: f"{rule} ({counted.get(rule, 0):,})" for rule in RULES}
    rule = choices.segment("Rule", options, "rule", next(rule for rule in RULES if counted.get(rule)))
    parts.remark(RULES[rule])
    return rule


def _thresholds() -> Thresholds:
    usual = Thresholds()
    first, second, third, fourth = st.columns(4)
    return Thresholds(
        useful=first.number_input("Useful from utility", -20.0, 20.0, usual.useful, 0.1, key="useful"),
        useless=second.number_input("Useless up to utility", -20.0, 20.0, usual.useless, 0.1, key="useless"),
        far=third.number_input("Far: rank above", 1, 1_000, usual.far, key="far"),
        near=fourth.number_input("Near: rank up to", 1, 1_000, usual.near, key="near"),
    )
