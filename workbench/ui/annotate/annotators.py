"""What annotators share: guidelines, one verdict on many cases, how far they agree, the files to take away."""

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
from workbench.ui.annotate.queue import Queue, key
from workbench.ui.shell import cache, components


def guide(store: Store) -> None:
    """Show the guidelines as text, and let a person write them."""
    with st.expander("Guidelines", icon=":material/menu_book:"):
        text = guidelines(store)
        st.text(text)
        if st.toggle("Edit the guidelines", key="edit-guidelines"):
            written = st.text_area("Guidelines", text, key="guidelines", height=220, max_chars=20_000)
            st.button("Keep the guidelines", on_click=_keep_guidelines, args=(store, written))
            components.remark(f"Kept in {store.path / 'guidelines.md'}, for everyone who annotates this workspace.")


def everything(store: Store, waiting: Queue, annotator: str) -> None:
    """Offer one verdict for all cases that wait in this filter, with one confirmation; one undo takes it back."""
    pending = [case for case in waiting.cases if waiting.state(case) == "pending"]
    if len(pending) < 2:
        return
    with st.expander("Annotate everything in this filter", icon=":material/select_all:"):
        verdict = st.segmented_control(
            "Verdict", get_args(Verdict), key="all-verdict", default="useless", required=True
        )
        if not st.session_state.get("all-asked"):
            st.button(f"Call all {len(pending):,} waiting cases {verdict} …", on_click=_ask, args=(True,))
            return
        st.warning(f"{len(pending):,} cases will be called {verdict} in your name. U takes all of it back at once.")
        pairs = [key(case) for case in pending]
        with st.container(horizontal=True):
            st.button(
                f"Yes, all {len(pending):,}", type="primary",
                on_click=_annotate_all, args=(store, pairs, verdict, annotator, waiting.rule),
            )  # fmt: skip
            st.button("No", on_click=_ask, args=(False,))


def agreement(store: Store) -> None:
    """Show how far the annotators agree, and where to settle what they do not agree on."""
    with st.expander("Annotators and their agreement", icon=":material/groups:"):
        found = cache.annotator_agreement(store)
        if len(found.annotators) < 2:
            components.remark(
                "Agreement needs two annotators; each gives a name on the left and judges the same cases."
            )
            return
        components.remark(found.in_words)
        components.numbers(
            _number("Alpha of verdicts", found.nominal, f"nominal, {found.pairs:,} shared pairs"),
            _number("Alpha in order", found.ordinal, "ordinal: harmful, useless, useful"),
            _number("Alpha of grades", found.grades, f"ordinal, {found.graded:,} pairs graded twice"),
            components.Number(
                "To settle", f"{found.disputed - found.settled:,}", f"of {found.disputed:,} disputed pairs"
            ),
        )
        rows = [
            {
                "annotators": f"{two.first} and {two.second}",
                "shared pairs": two.pairs,
                "same verdict": f"{two.same:.0%}",
                "Cohen's kappa": "undefined" if two.kappa is None else f"{two.kappa:.3f}",
            }
            for two in found.twos
        ]
        if rows:
            components.table(rows, "agreement", "Cohen's kappa of every two annotators")
        components.remark(f"Disputed pairs have a queue of their own, under the rule “{ADJUDICATION}” above.")


def export(store: Store) -> None:
    """Offer all annotations as files, with the shell line that writes the same."""
    with st.expander("Take the annotations with you", icon=":material/download:"):
        if not cache.verdicts(store, latest=True):
            components.remark("There are none yet.")
            return
        command = f"workbench --workspace '{store.path}' export annotations annotations.jsonl"
        st.code(command, language="shell", wrap_lines=True)
        with st.container(horizontal=True):
            for form in ("jsonl", "csv", "parquet"):
                st.download_button(
                    f"annotations.{form}", partial(_bytes, store, form), f"annotations.{form}",
                    on_click="ignore", icon=":material/download:",
                )  # fmt: skip


def _number(label: str, value: float | None, note: str) -> components.Number:
    return components.Number(label, "undefined" if value is None else f"{value:.3f}", note)


def _ask(asked: bool) -> None:
    st.session_state["all-asked"] = asked


def _annotate_all(store: Store, pairs: list[tuple[str, str]], verdict: Verdict, annotator: str, rule: str) -> None:
    _ask(False)
    try:
        made = annotate_all(store, pairs, verdict, annotator, rule=rule)
    except WorkbenchError as trouble:
        st.session_state["verdict-trouble"] = f"Nothing was kept. {trouble}"
        return
    st.toast(f"Kept: {verdict} for {len(made):,} cases")


def _keep_guidelines(store: Store, text: str) -> None:
    try:
        write_guidelines(store, text)
    except WorkbenchError as trouble:
        st.session_state["verdict-trouble"] = f"The guidelines were not kept. {trouble}"
        return
    st.toast("Guidelines kept")


def _bytes(store: Store, form: str) -> bytes:
    from workbench.steps.data.export import annotated_bytes

    return annotated_bytes(store, form)
