"""Hard cases, one at a time: a person says whether the passage is useful, and why it is here."""

from __future__ import annotations

import streamlit as st

from workbench.store import Store
from workbench.ui import choices, frame, parts, queue, verdicts


def page(store: Store) -> None:
    """Put the hard cases of a student before a person, and keep each verdict at once."""
    parts.lead(
        "Each case is a passage that teacher, student and people may see in different ways. Read the query, then the "
        "passage, and say whether it would help to answer. Every verdict is kept the moment you give it."
    )
    with st.sidebar:
        st.text_input(
            "Your name", key="annotator", bind="query-params", max_chars=60, placeholder="anonymous",
            help="Stands beside your verdicts; two people may judge the same case.",
        )  # fmt: skip
        blind = st.toggle("Hide ranks and utilities", key="blind", bind="query-params", help="Judge the text alone.")
    if not (chosen := choices.pair(store, newest=True)):
        return
    cases = queue.cases(store, chosen)
    if cases is None:
        return
    waiting = queue.Queue(cases, queue.judged(store, verdicts.annotator()))
    verdicts.progress(waiting)
    if current := waiting.current():
        verdicts.card(store, chosen, waiting, current, blind=blind)
        verdicts.buttons(store, waiting, current)
    else:
        parts.empty("No case answers to this rule with these thresholds. Choose another rule, or move a threshold.")
    verdicts.export(store)
    parts.reproduce(
        store,
        "annotate",
        ["export", "annotations", "annotations.jsonl"],
        f"run = wb.views.find_run(store, {chosen.run.student!r}, {chosen.run.split!r})\n"
        f"wb.views.hard_cases(store, {chosen.teacher!r}, run)",
        teacher=chosen.teacher,
        split=chosen.run.split,
        student=chosen.run.student,
        rule=st.query_params.get("rule", ""),
        query=current.query_id if current else "",
        passage=current.passage_id if current else "",
    )


frame.show(page, "Annotate")
