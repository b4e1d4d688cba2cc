"""The queue of hard cases: which there are, how each stands with this annotator, and which one is on the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from workbench.records import Annotation
from workbench.store import Store
from workbench.store.views import ADJUDICATION, RULES, HardCase, Reason, rule_counts
from workbench.ui.annotate.thresholds import threshold_inputs
from workbench.ui.shell import cache, components, pickers
from workbench.ui.shell.pickers import Pair

Key = tuple[str, str]
NO_BASE = "(none)"
ALL = "all rules"
TABS = ("pending", "done", "skipped")
MEANINGS = {
    ALL: "Every case once with all its reasons, the greatest disagreement first.",
    **{name: rule.meaning for name, rule in RULES.items()},
    ADJUDICATION: "Annotators say different things of the pair; your verdict here is the one that counts.",
}


@dataclass(frozen=True)
class Queue:
    """The cases of one rule in order, this annotator's last word on each, and the tab that is open."""

    rule: str
    cases: Sequence[HardCase]
    said: Mapping[Key, Annotation]
    tab: str = TABS[0]

    def state(self, case: HardCase) -> str:
        """Return the tab that a case belongs to: judged, left for later, or neither yet."""
        word = self.said.get(key(case))
        if word is None or word.verdict in ("draft", "withdrawn"):
            return "pending"
        return "skipped" if word.verdict == "skipped" else "done"

    def counts(self) -> dict[str, int]:
        """Return how many cases there are in each tab."""
        counted = Counter(self.state(case) for case in self.cases)
        return {tab: counted[tab] for tab in TABS}

    def shown(self) -> list[HardCase]:
        """Return the cases of the open tab."""
        return [case for case in self.cases if self.state(case) == self.tab]

    def current(self) -> HardCase | None:
        """Return the case that the link names, whatever its tab, else the first of the open one."""
        wanted = (st.query_params.get("query", ""), st.query_params.get("passage", ""))
        named = next((case for case in self.cases if key(case) == wanted), None)
        return named or next(iter(self.shown()), None)

    def neighbour(self, case: HardCase, step: int) -> HardCase | None:
        """Return the case before (-1) or after (1) this one in the open tab, None at its end."""
        ordered = self.cases[::step]
        place = ordered.index(case)
        return next((each for each in ordered[place + 1 :] if self.state(each) == self.tab), None)

    def following(self, case: HardCase) -> HardCase | None:
        """Return the case to go on with: the next of the open tab, from the start again at its end."""
        first = next((each for each in self.shown() if each != case), None)
        return self.neighbour(case, 1) or first


def key(case: HardCase) -> Key:
    """Return what identifies a case: its pair."""
    return case.query_id, case.passage_id


def chosen(store: Store, pair: Pair, annotator: str) -> Queue | None:
    """Let a person choose a rule and its thresholds; None (and a word why) if no rule finds anything."""
    others = [run for run in cache.runs(store, pair.run.split) if run.student != pair.run.student]
    with st.expander("Thresholds of the rules", icon=":material/tune:"):
        lines = threshold_inputs(store, pair.teacher)
        names = [NO_BASE, *(run.student for run in others)]
        usual, _ = pickers.base_and_trained(store, [*others, pair.run])
        base = pickers.one(
            "Before training", names, "base", usual, "For “got worse”: the student that it is compared with."
        )
    before = next((run for run in others if run.student == base), None)
    found = cache.hard_cases(store, pair.teacher, pair.run, before, lines)
    open_disputes = _disputes(store)
    if not found and not open_disputes:
        components.empty(
            "No candidate pair answers to any rule with these thresholds. Move them, or choose another student."
        )
        return None
    counted = {ALL: len(found), **rule_counts(found), ADJUDICATION: len(open_disputes)}
    rule = pickers.segment("Rule", {name: f"{name} ({counted[name]:,})" for name in MEANINGS}, "rule", ALL)
    components.remark(MEANINGS[rule])
    cases = open_disputes if rule == ADJUDICATION else [case for case in found if rule in (ALL, *case.rules)]
    return Queue(rule, cases, _said(store, annotator, rule))


def opened(waiting: Queue) -> Queue:
    """Let a person choose a tab of the queue; return the queue with that one open."""
    options = {tab: f"{tab} ({number:,})" for tab, number in waiting.counts().items()}
    return replace(waiting, tab=pickers.segment("Tab", options, "tab", TABS[0]))


def _said(store: Store, annotator: str, rule: str) -> dict[Key, Annotation]:
    """Return the last words on each pair: this annotator's, or whoever settled it where that is the question."""
    if rule == ADJUDICATION:
        settled = [dispute.settled for dispute in cache.disputes(store)]
        return {(word.query_id, word.passage_id): word for word in settled if word}
    words = cache.last_words(store, annotator)
    return {(word.query_id, word.passage_id): word for word in words if word.rule != ADJUDICATION}


def _disputes(store: Store) -> list[HardCase]:
    cases = []
    for dispute in cache.disputes(store):
        words = ", ".join(f"{word.annotator} says {word.verdict}" for word in dispute.said)
        reasons = (Reason(ADJUDICATION, words, 1.0),)
        cases.append(HardCase(dispute.query_id, dispute.passage_id, reasons, 1.0, None, None, None, None))
    return cases
