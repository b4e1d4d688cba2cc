"""Hard cases, one at a time: a person says whether the passage is useful, and why it is here."""

from __future__ import annotations

import streamlit as st

from workbench.steps.annotate.annotate import ANONYMOUS
from workbench.store import Store
from workbench.ui.annotate import annotators, queue, verdicts
from workbench.ui.shell import components, frame, pickers


def page(store: Store) -> None:
    """Put the hard cases of a student before a person, and keep each verdict at once."""
    components.lead(
        "Each case is a passage that teacher, student and people may see in different ways. Read the query, then the "
        "passage, and say whether it would help to answer. Every verdict is kept the moment you give it."
    )
    name, blind, swift = _who()
    # What a blind annotator must not see names systems and rules: it is put away, not taken away.
    with st.expander("Hidden: teacher, student, rule", key="hidden") if blind else st.container():
        if not (chosen := pickers.pair(store, newest=True)):
            return
        waiting = queue.chosen(store, chosen, name)
    if waiting is None:
        return
    waiting = queue.opened(waiting)
    verdicts.progress(waiting)
    if current := waiting.current():
        table = verdicts.Table(store, waiting, current, name, swift)
        verdicts.card(table, chosen, blind=blind)
        verdicts.keys(table, blind=blind)
        verdicts.details(table)
    else:
        components.empty(f"No case is {waiting.tab} here. Open another tab, choose another rule, or move a threshold.")
        verdicts.undo_key(store, waiting, name)
    verdicts.trouble()
    annotators.guide(store)
    annotators.everything(store, waiting, name)
    annotators.agreement(store)
    annotators.export(store)
    components.reproduce(
        store,
        "annotate",
        ["export", "annotations", "annotations.jsonl"],
        f"run = wb.views.find_run(store, {chosen.run.student!r}, {chosen.run.split!r})\n"
        f"wb.views.hard_cases(store, {chosen.teacher!r}, run)",
        teacher=chosen.teacher,
        split=chosen.run.split,
        student=chosen.run.student,
        rule=waiting.rule,
        tab=waiting.tab,
        query=current.query_id if current else "",
        passage=current.passage_id if current else "",
    )


def _who() -> tuple[str, bool, bool]:
    with st.sidebar:
        name = st.text_input(
            "Your name", key="annotator", bind="query-params", max_chars=60, placeholder=ANONYMOUS,
            help="Stands beside your verdicts; two people may judge the same case.",
        )  # fmt: skip
        blind = st.toggle(
            "Judge blind", key="blind", bind="query-params", help="Hides ranks, utilities, qrels, systems and rules."
        )
        swift = st.toggle("Go on after a verdict", key="swift", bind="query-params", help="Without waiting for Enter.")
    return (name or "").strip() or ANONYMOUS, blind, swift


frame.show(page, "Annotate")
