"""The queue of hard cases: which there are, what this annotator did with each, and which the browser holds next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.records import Annotation, Run
from workbench.results import counted
from workbench.store import Store
from workbench.store.views import ADJUDICATION, RULES, HardCase, Part, Reason, Thresholds, rule_counts
from workbench.ui.annotate.thresholds import threshold_inputs
from workbench.ui.shell import cache, components, pickers
from workbench.ui.shell.pickers import Pair

PairIds = tuple[str, str]
NO_BASE = "(none)"
ALL = "all rules"
TABS = ("pending", "done", "skipped")
MEANINGS = {
    ALL: "Every case once with all its reasons, a query's together, the rules in turn.",
    **{name: rule.meaning for name, rule in RULES.items()},
    ADJUDICATION: "Annotators give different verdicts on the pair; your verdict here is the one that counts.",
}
SEARCHED = 500  # queries: their cases are weeks of judging, and found while a person waits
AHEAD, BEHIND = 100, 10  # cases a browser holds: judging goes on for a while if the server does not


@dataclass(frozen=True)
class Search:
    """What hard cases are searched for with: teacher and run, the run before training, the thresholds.

    `queries` is how many of the run's are searched, None if all are.
    """

    pair: Pair
    before: Run | None
    thresholds: Thresholds
    queries: int | None


@dataclass(frozen=True)
class Queue:
    """The cases of one rule in order, this annotator's last verdict on each pair, and the tab that is open."""

    search: Search
    rule: str
    cases: Sequence[HardCase]
    annotator: str
    verdicts: Mapping[PairIds, Annotation]
    tab: str = TABS[0]

    @property
    def settles(self) -> bool:
        """Return whether a verdict here settles what annotators disagree on."""
        return self.rule == ADJUDICATION

    def state(self, case: HardCase) -> str:
        """Return the tab that a case belongs to: judged, left for later, or neither yet."""
        annotation = self.verdicts.get(pair_ids(case))
        if annotation is None or annotation.verdict in ("draft", "withdrawn"):
            return "pending"
        return "skipped" if annotation.verdict == "skipped" else "done"

    def counts(self) -> dict[str, int]:
        """Return how many cases there are in each tab."""
        states = Counter(self.state(case) for case in self.cases)
        return {tab: states[tab] for tab in TABS}

    def in_tab(self) -> list[HardCase]:
        """Return the cases of the open tab."""
        return [case for case in self.cases if self.state(case) == self.tab]

    def case(self, pair: PairIds) -> HardCase | None:
        """Return the case of a pair, whatever its tab, None if it is not in the queue."""
        return next((case for case in self.cases if pair_ids(case) == pair), None)

    def around(self, start: HardCase | None) -> list[HardCase]:
        """Return the cases of the open tab around `start`, and it: some before, many after, then from the start."""
        at = self.cases.index(start) if start else 0
        before = [case for case in self.cases[:at] if self.state(case) == self.tab]
        after = [case for case in self.cases[at + bool(start) :] if self.state(case) == self.tab]
        nearest, others = before[-BEHIND:], before[:-BEHIND]
        return [*nearest, *([start] if start else []), *[*after, *others][:AHEAD]]


def pair_ids(case: HardCase) -> PairIds:
    """Return the query and the passage that a case is about."""
    return case.query_id, case.passage_id


def named_in_link() -> PairIds:
    """Return the query and the passage that the link names, "" where it names none."""
    return st.query_params.get("query", ""), st.query_params.get("passage", "")


def select_queue(store: Store, pair: Pair, annotator: str) -> Queue | None:
    """Let a person choose thresholds and a rule; None, with the reason shown, if no rule finds any."""
    notes = st.container()
    rules, thresholds = components.columns("pickers-of-cases", [5, 1.2])
    with thresholds:
        search = _search(store, pair, notes)
    part = Part(queries=search.queries)
    cases = cache.hard_cases(store, pair.teacher or None, pair.run, search.before, search.thresholds, part)
    disputes = _disputes(store)
    if not cases and not disputes:
        components.empty(
            "No candidate pair answers to any rule with these thresholds. Move them, or choose another student."
        )
        return None
    counts = {ALL: len(cases), **rule_counts(cases), ADJUDICATION: len(disputes)}
    with rules:
        rule = pickers.segment("Rule", {name: f"{name} ({counts[name]:,})" for name in MEANINGS}, "rule", ALL)
        components.remark(MEANINGS[rule])
        if search.queries:
            components.remark(f"Searched: {search.queries:,} of the queries, drawn evenly; Thresholds can ask for all.")
    of_rule = disputes if rule == ADJUDICATION else [case for case in cases if rule in (ALL, *case.rules)]
    return current(store, Queue(search, rule, of_rule, annotator, {}))


def current(store: Store, queue: Queue, tab: str = "") -> Queue:
    """Return the queue with the verdicts that the store has now, and `tab`, or the one that the link asks for, open."""
    tab = tab or st.query_params.get("tab", "")
    return replace(queue, verdicts=_verdicts(store, queue.annotator, queue.rule), tab=tab if tab in TABS else TABS[0])


def _search(store: Store, pair: Pair, notes: DeltaGenerator) -> Search:
    others = [run for run in cache.runs(store, pair.run.split) if run.student != pair.run.student]
    with st.popover("Thresholds", icon=":material/tune:", width="stretch"):
        thresholds = threshold_inputs(store, pair.teacher, notes)
        names = [NO_BASE, *(run.student for run in others)]
        default, _ = pickers.base_and_trained(store, [*others, pair.run])
        base = pickers.select(
            "Before training", names, "base", default, "For “got worse”: the student that it is compared with.", notes
        )
        queries = _searched_queries(store, pair.run)
    return Search(pair, next((run for run in others if run.student == base), None), thresholds, queries)


def _searched_queries(store: Store, run: Run) -> int | None:
    """Return how many of a run's queries to search, None for all; more than SEARCHED only if a person asks for it."""
    number = next((split.queries for split in cache.counts(store).splits if split.split == run.split), 0)
    if number <= SEARCHED:
        return None
    every = st.toggle(
        f"Search all {counted(number, 'query')}", key="all-queries", bind="query-params", help="Takes longer."
    )
    return None if every else SEARCHED


def _verdicts(store: Store, annotator: str, rule: str) -> dict[PairIds, Annotation]:
    """Return the last verdict on each pair: this annotator's, or whoever settled it where that is the question."""
    if rule == ADJUDICATION:
        settled = [dispute.settled for dispute in cache.disputes(store)]
        return {(row.query_id, row.passage_id): row for row in settled if row}
    rows = cache.last_words(store, annotator)
    return {(row.query_id, row.passage_id): row for row in rows if row.rule != ADJUDICATION}


def _disputes(store: Store) -> list[HardCase]:
    cases = []
    for dispute in cache.disputes(store):
        why = ", ".join(f"{row.annotator} says {row.verdict}" for row in dispute.verdicts)
        reasons = (Reason(ADJUDICATION, why, 1.0),)
        cases.append(HardCase(dispute.query_id, dispute.passage_id, reasons, 1.0, None, None, None, None))
    return cases
