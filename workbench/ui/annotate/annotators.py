"""What annotators share: guidelines, one verdict on many cases, their agreement, and files of cases and annotations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import get_args

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.records import Verdict
from workbench.results import counted
from workbench.steps.annotate.annotate import annotate_all
from workbench.steps.annotate.guidelines import guidelines, write_guidelines
from workbench.store import Store
from workbench.store.views import ADJUDICATION
from workbench.ui.annotate.card import BULK
from workbench.ui.annotate.case_queue import Queue, current, pair_ids
from workbench.ui.shell import cache, commands, components

CONFIRMING = "all-pending-confirming"
FAILURE = "annotation-failure"  # where a button leaves, in the session, what it could not keep
FILES = ("jsonl", "csv", "parquet")


def failure() -> None:
    """Show what the button that was pressed last could not keep."""
    if message := st.session_state.pop(FAILURE, ""):
        components.failed(message)


def guide(store: Store) -> None:
    """Show the guidelines as text, and let a person write them."""
    with st.expander("Guidelines", icon=":material/menu_book:"):
        text = guidelines(store)
        components.text(text)
        if st.toggle("Edit the guidelines", key="edit-guidelines"):
            new_text = st.text_area("Guidelines", text, key="guidelines", height=220, max_chars=20_000)
            st.button("Keep the guidelines", on_click=_keep_guidelines, args=(store, new_text))
            components.remark(f"Kept in {store.guidelines}, for everyone who annotates this workspace.")


def all_pending(store: Store, queue: Queue) -> None:
    """Offer one verdict for all pending cases of this filter, with one confirmation; one undo takes it back."""
    pending = _pending(queue)
    if len(pending) < 2:
        return
    with st.expander("Annotate everything in this filter", icon=":material/select_all:"):
        verdict = st.segmented_control(
            "Verdict", get_args(Verdict), key="all-verdict", default="useless", required=True
        )
        if not st.session_state.get(CONFIRMING):
            st.button(f"Call all {len(pending):,} waiting cases {verdict} …", on_click=_confirm, args=(True,))
            return
        st.warning(
            f"{counted(len(pending), 'case')} will be called {verdict} in your name. U takes all of it back at once."
        )
        with st.container(horizontal=True):
            st.button(
                f"Yes, all {len(pending):,}", type="primary", on_click=_annotate_all, args=(store, queue, verdict)
            )
            st.button("No", on_click=_confirm, args=(False,))


def agreement(store: Store) -> None:
    """Show how far the annotators agree, and where to settle what they do not agree on."""
    name = "Annotators and their agreement"
    with st.expander(name, icon=":material/groups:", key="annotators", on_change="rerun") as expander:
        if not expander.open:  # every verdict changes it
            return
        result = cache.annotator_agreement(store)
        if len(result.annotators) < 2:
            components.remark("Agreement needs two annotators, each with a name on the left, who judge the same cases.")
            return
        components.remark(result.in_words)
        components.numbers(
            _number("Alpha of verdicts", result.nominal, f"nominal, {counted(result.pairs, 'shared pair')}"),
            _number("Alpha in order", result.ordinal, "ordinal: harmful, useless, useful"),
            _number("Alpha of grades", result.grades, f"ordinal, {counted(result.graded, 'pair')} graded twice"),
            components.Number(
                "To settle",
                f"{result.disputed - result.settled:,}",
                f"of {counted(result.disputed, 'disputed pair')}",
            ),
        )
        rows = [
            {
                "annotators": f"{pair.first} and {pair.second}",
                "shared pairs": pair.pairs,
                "same verdict": f"{pair.same:.0%}",
                "Cohen's kappa": "undefined" if pair.kappa is None else f"{pair.kappa:.3f}",
            }
            for pair in result.twos
        ]
        if rows:
            components.table(rows, "agreement", "Cohen's kappa of every two annotators")
        components.remark(f"Disputed pairs have a queue of their own, under the rule “{ADJUDICATION}” above.")


def export(store: Store, queue: Queue) -> None:
    """Offer the annotations as files, with the shell line that writes the same, and the cases, judged or not."""
    with st.expander("Export the annotations, or the cases", icon=":material/download:"):
        commands.show(store, ["export", "annotations", "annotations.jsonl"])
        _downloads("annotations", partial(_annotations, store))
        if not queue.settles:
            cases = counted(len(queue.cases), "case")
            components.remark(f"The {cases} of this filter with all their rules, judged or not:")
            _downloads("hard-cases", partial(_cases, queue))


def _downloads(name: str, content: Callable[[str], bytes]) -> None:
    with st.container(horizontal=True):
        for ending in FILES:
            file = f"{name}.{ending}"
            st.download_button(file, partial(content, ending), file, on_click="ignore", icon=":material/download:")


def _number(label: str, value: float | None, note: str) -> components.Number:
    return components.Number(label, "undefined" if value is None else f"{value:.3f}", note)


def _confirm(confirming: bool) -> None:
    st.session_state[CONFIRMING] = confirming


def _pending(queue: Queue) -> list[tuple[str, str]]:
    return [pair_ids(case) for case in queue.cases if queue.state(case) == "pending"]


def _annotate_all(store: Store, queue: Queue, verdict: Verdict) -> None:
    _confirm(False)
    try:
        # What was judged by keys since the page was drawn is no longer pending.
        pairs = _pending(current(store, queue))
        annotations = annotate_all(store, pairs, verdict, queue.annotator, rule=queue.rule)
    except WorkbenchError as error:
        st.session_state[FAILURE] = f"Nothing was kept. {error}"
        return
    st.session_state[BULK] = st.session_state.get(BULK, 0) + 1
    st.toast(f"Kept: {verdict} for {counted(len(annotations), 'case')}")


def _keep_guidelines(store: Store, text: str) -> None:
    try:
        write_guidelines(store, text)
    except WorkbenchError as error:
        st.session_state[FAILURE] = f"The guidelines were not kept. {error}"
        return
    st.toast("Guidelines kept")


def _annotations(store: Store, ending: str) -> bytes:
    from workbench.steps.data.export import annotated_bytes

    return annotated_bytes(store, ending)


def _cases(queue: Queue, ending: str) -> bytes:
    from workbench.steps.annotate.hard_cases import hard_case_bytes

    return hard_case_bytes(queue.cases, ending)
