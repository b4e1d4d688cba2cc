"""What annotators share: guidelines, one verdict on many cases, their agreement, and the exported annotations."""

from __future__ import annotations

from functools import partial
from typing import get_args

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.records import Verdict
from workbench.steps.annotate.annotate import annotate_all
from workbench.steps.annotate.guidelines import guidelines, write_guidelines
from workbench.store import Store
from workbench.store.views import ADJUDICATION
from workbench.ui.annotate.case_queue import Queue, pair_ids
from workbench.ui.annotate.keys import FAILURE
from workbench.ui.shell import cache, commands, components

CONFIRMING = "all-pending-confirming"
FILES = ("jsonl", "csv", "parquet")


def guide(store: Store) -> None:
    """Show the guidelines as text, and let a person write them."""
    with st.expander("Guidelines", icon=":material/menu_book:"):
        text = guidelines(store)
        st.text(text)
        if st.toggle("Edit the guidelines", key="edit-guidelines"):
            new_text = st.text_area("Guidelines", text, key="guidelines", height=220, max_chars=20_000)
            st.button("Keep the guidelines", on_click=_keep_guidelines, args=(store, new_text))
            components.remark(f"Kept in {store.path / 'guidelines.md'}, for everyone who annotates this workspace.")


def all_pending(store: Store, queue: Queue, annotator: str) -> None:
    """Offer one verdict for all pending cases of this filter, with one confirmation; one undo takes it back."""
    pending = [case for case in queue.cases if queue.state(case) == "pending"]
    if len(pending) < 2:
        return
    with st.expander("Annotate everything in this filter", icon=":material/select_all:"):
        verdict = st.segmented_control(
            "Verdict", get_args(Verdict), key="all-verdict", default="useless", required=True
        )
        if not st.session_state.get(CONFIRMING):
            st.button(f"Call all {len(pending):,} waiting cases {verdict} …", on_click=_confirm, args=(True,))
            return
        st.warning(f"{len(pending):,} cases will be called {verdict} in your name. U takes all of it back at once.")
        pairs = [pair_ids(case) for case in pending]
        with st.container(horizontal=True):
            st.button(
                f"Yes, all {len(pending):,}", type="primary",
                on_click=_annotate_all, args=(store, pairs, verdict, annotator, queue.rule),
            )  # fmt: skip
            st.button("No", on_click=_confirm, args=(False,))


def agreement(store: Store) -> None:
    """Show how far the annotators agree, and where to settle what they do not agree on."""
    with st.expander("Annotators and their agreement", icon=":material/groups:"):
        result = cache.annotator_agreement(store)
        if len(result.annotators) < 2:
            components.remark("Agreement needs two annotators, each with a name on the left, who judge the same cases.")
            return
        components.remark(result.in_words)
        components.numbers(
            _number("Alpha of verdicts", result.nominal, f"nominal, {result.pairs:,} shared pairs"),
            _number("Alpha in order", result.ordinal, "ordinal: harmful, useless, useful"),
            _number("Alpha of grades", result.grades, f"ordinal, {result.graded:,} pairs graded twice"),
            components.Number(
                "To settle", f"{result.disputed - result.settled:,}", f"of {result.disputed:,} disputed pairs"
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


def export(store: Store) -> None:
    """Offer all annotations as files, with the shell line that writes the same."""
    with st.expander("Export the annotations", icon=":material/download:"):
        if not cache.verdicts(store, latest=True):
            components.remark("There are none yet.")
            return
        commands.show(store, ["export", "annotations", "annotations.jsonl"])
        with st.container(horizontal=True):
            for ending in FILES:
                st.download_button(
                    f"annotations.{ending}", partial(_bytes, store, ending), f"annotations.{ending}",
                    on_click="ignore", icon=":material/download:",
                )  # fmt: skip


def _number(label: str, value: float | None, note: str) -> components.Number:
    return components.Number(label, "undefined" if value is None else f"{value:.3f}", note)


def _confirm(confirming: bool) -> None:
    st.session_state[CONFIRMING] = confirming


def _annotate_all(store: Store, pairs: list[tuple[str, str]], verdict: Verdict, annotator: str, rule: str) -> None:
    _confirm(False)
    try:
        annotations = annotate_all(store, pairs, verdict, annotator, rule=rule)
    except WorkbenchError as error:
        st.session_state[FAILURE] = f"Nothing was kept. {error}"
        return
    st.toast(f"Kept: {verdict} for {len(annotations):,} cases")


def _keep_guidelines(store: Store, text: str) -> None:
    try:
        write_guidelines(store, text)
    except WorkbenchError as error:
        st.session_state[FAILURE] = f"The guidelines were not kept. {error}"
        return
    st.toast("Guidelines kept")


def _bytes(store: Store, ending: str) -> bytes:
    from workbench.steps.data.export import annotated_bytes

    return annotated_bytes(store, ending)
