"""Hard cases, one at a time: a person judges whether the passage is useful for the query."""

from __future__ import annotations

import streamlit as st

from workbench.steps.annotate.annotate import ANONYMOUS
from workbench.store import Store
from workbench.ui.annotate import annotators, card, case_queue, keys, reproduction
from workbench.ui.annotate.on_screen import CaseOnScreen
from workbench.ui.shell import components, frame, pickers


def page(store: Store) -> None:
    """Put the hard cases of a student before a person, and keep each verdict at once."""
    components.lead(
        "Each case is a passage that teacher, student and people may see in different ways. Read the query, then the "
        "passage, and say whether it would help to answer. Every verdict is kept the moment you give it."
    )
    annotator, blind, advance = _annotator()
    # What a blind annotator must not see names systems and rules: it is put away, not taken away.
    with st.expander("Hidden: teacher, student, rule", key="hidden") if blind else st.container():
        if not (pair := pickers.pair(store, newest=True, without_teacher=True)):
            return
        queue = case_queue.select_queue(store, pair, annotator)
    if queue is None:
        return
    queue = case_queue.select_tab(queue)
    card.progress(queue)
    if case := queue.current():
        screen = CaseOnScreen(store, queue, case, annotator, advance)
        card.show(screen, blind=blind)
        keys.keys(screen, blind=blind)
        keys.details(screen)
    else:
        components.empty(f"No case is {queue.tab} here. Open another tab, choose another rule, or move a threshold.")
        keys.undo_key(store, queue, annotator)
    keys.failure()
    annotators.guide(store)
    annotators.all_pending(store, queue, annotator)
    annotators.agreement(store)
    annotators.export(store)
    reproduction.reproduce(store, queue, annotator, case)


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
