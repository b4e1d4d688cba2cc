"""Hard cases, one at a time: a person judges whether the passage is useful for the query."""

from __future__ import annotations

import streamlit as st

from workbench.steps.annotate.annotate import ANONYMOUS
from workbench.store import Store
from workbench.ui.annotate import annotators, card, case_queue, reproduction
from workbench.ui.shell import components, frame, pickers


def page(store: Store) -> None:
    """Put the hard cases of a student before a person, and keep each verdict at once."""
    annotator, blind, advance = _annotator()
    # What a blind annotator must not see names systems and rules: it is put away, not taken away.
    with st.expander("Hidden: teacher, student, rule", key="hidden") if blind else st.container():
        if not (pair := pickers.pair(store, newest=True, without_teacher=True)):
            return
        queue = case_queue.select_queue(store, pair, annotator)
    if queue is None:
        return
    named = queue.case(case_queue.named_in_link())
    if any(case_queue.named_in_link()) and not named:
        components.stale("The link names a case that is not in this queue. Showing the next one that waits.")
    card.show(store, queue, blind=blind, advance=advance)
    annotators.failure()
    annotators.guide(store)
    annotators.all_pending(store, queue)
    annotators.agreement(store)
    annotators.export(store, queue)
    reproduction.reproduce(store, queue, named or next(iter(queue.in_tab()), None))


def _annotator() -> tuple[str, bool, bool]:
    with st.sidebar:
        name = st.text_input(
            "Your name", key="annotator", bind="query-params", max_chars=60, placeholder=ANONYMOUS,
            help="Stands beside your verdicts; two people may judge the same case.",
        )  # fmt: skip
        blind = st.toggle(
            "Judge blind", key="blind", bind="query-params", help="Hides ranks, utilities, qrels, systems and rules."
        )
        advance = st.toggle(
            "Go on after a verdict", key="advance", bind="query-params", help="Without waiting for Enter."
        )
    return (name or "").strip() or ANONYMOUS, blind, advance


frame.show(page, "Annotate")
