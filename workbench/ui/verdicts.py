"""One hard case on the table: why it is here, what it says, and the buttons that judge it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.plots.look import AFTER, HARMFUL, RELEVANT, USEFUL, USELESS
from workbench.records import Verdict
from workbench.steps.annotate import annotate
from workbench.store import Store
from workbench.store.views import HardCase
from workbench.ui import cached, parts
from workbench.ui.choices import Pair
from workbench.ui.marking import html
from workbench.ui.passages import Card, badge, judgements, question, role_class
from workbench.ui.passages import card as drawn
from workbench.ui.queue import Queue, key

VERDICTS: dict[Verdict, tuple[str, str]] = {
    "useful": ("1", "The passage helps to answer."),
    "useless": ("2", "It neither helps nor misleads."),
    "harmful": ("3", "It would mislead whoever answers from it."),
    "unsure": ("4", "You cannot tell; that is a finding too."),
}
ROLES = {"useful": USEFUL, "useless": USELESS, "harmful": HARMFUL}


def progress(waiting: Queue) -> None:
    """Show how much of the queue is done."""
    total, left = len(waiting.cases), len(waiting.waiting())
    if not total:
        return
    st.progress((total - left) / total, text=f"{total - left:,} of {total:,} judged by you, {left:,} waiting")
    if not left:
        st.success("You have judged every case of this rule. Thank you.", icon=":material/done_all:")


def card(store: Store, chosen: Pair, waiting: Queue, case: HardCase, *, blind: bool) -> None:
    """Show the case: query, answers, passage, and, unless `blind`, what teacher and student say of it."""
    wanted = (st.query_params.get("query", ""), st.query_params.get("passage", ""))
    if wanted[0] and wanted != key(case):
        parts.stale("The link names a case that is not in this queue. Showing the next one that waits.")
    query = cached.query(store, case.query_id)
    passage = next(iter(cached.passages(store, ids=(case.passage_id,))))
    why = "hidden while you judge blind" if blind else f"{case.why}; student {chosen.run.student}"
    st.html(
        f'<div class="wb"><div class="wb-why {role_class(AFTER)}">{badge(case.rule)} '
        f'<span class="wb-soft">Why it is here: {html(why)}</span></div></div>'
    )
    parts.html_block(question(query))
    badges = () if blind else (*judgements(case.relevance, case.utility), *_ranks(case))
    role = RELEVANT if not blind and (case.relevance or 0) > 0 else None
    shown = drawn(Card(passage.passage_id, passage.title, passage.text, badges=badges, role=role), query, fold=False)
    parts.html_block(f'<div class="wb">{shown}</div>')
    parts.legend()
    if said := waiting.judged.get(key(case)):
        when = parts.ago(said.created, datetime.now(UTC))
        note = f", noting “{said.note}”" if said.note else ""
        parts.remark(
            f"You called it {said.verdict} {when}{note}. A new verdict follows it; the old one stays on record."
        )


def buttons(store: Store, waiting: Queue, case: HardCase) -> None:
    """Offer the verdicts, skipping and going back, each with a key of its own."""
    name = f"note-{case.query_id}-{case.passage_id}"
    following = waiting.after(case)
    with st.container(horizontal=True):
        for verdict, (shortcut, meaning) in VERDICTS.items():
            st.button(
                verdict, key=f"verdict-{verdict}", shortcut=shortcut, help=meaning,
                on_click=_judge, args=(store, case, verdict, name, following),
            )  # fmt: skip
        st.button(
            "skip",
            shortcut="S",
            type="tertiary",
            on_click=_skip,
            args=(case, following),
            help="Comes again at the end.",
        )
        visited = bool(st.session_state.get("visited"))
        st.button(
            "back",
            shortcut="U",
            type="tertiary",
            on_click=_back,
            disabled=not visited,
            help="To judge the last one anew.",
        )
    st.text_input("Note, if you have one; kept with the verdict", key=name, max_chars=2_000)
    if trouble := st.session_state.pop("verdict-trouble", ""):
        parts.failed(trouble)


def annotator() -> str:
    """Return who is judging, as typed in the sidebar."""
    return str(st.session_state.get("annotator") or "anonymous")


def export(store: Store) -> None:
    """Offer all annotations as files, with the shell line that writes the same."""
    with st.expander("Take the annotations with you", icon=":material/download:"):
        if not cached.counts(store).annotations:
            parts.remark("There are none yet.")
            return
        st.code(
            f"workbench --workspace '{store.path}' export annotations annotations.jsonl",
            language="shell",
            wrap_lines=True,
        )
        with st.container(horizontal=True):
            for form in ("jsonl", "csv"):
                st.download_button(
                    f"annotations.{form}", partial(_bytes, store, form), f"annotations.{form}",
                    on_click="ignore", icon=":material/download:",
                )  # fmt: skip


def _bytes(store: Store, form: str) -> bytes:
    from workbench.steps.export import annotated_bytes

    return annotated_bytes(store, form)


def _judge(store: Store, case: HardCase, verdict: Verdict, note: str, following: HardCase | None) -> None:
    try:
        # What was typed is read now: an argument would hold what stood there when the page was last drawn.
        said = str(st.session_state.get(note, ""))
        annotate(store, case.query_id, case.passage_id, verdict, annotator(), note=said, rule=case.rule)
    except WorkbenchError as trouble:
        # Nothing moves on until the verdict is kept.
        st.session_state["verdict-trouble"] = f"The verdict was not kept. {trouble}"
        return
    st.toast(f"Kept: {verdict}")
    _leave(case, following)


def _skip(case: HardCase, following: HardCase | None) -> None:
    st.session_state["skipped"] = [*st.session_state.get("skipped", []), key(case)]
    _leave(case, following)


def _back() -> None:
    visited = st.session_state.get("visited", [])
    if visited:
        st.session_state["visited"] = visited[:-1]
        _show(visited[-1])


def _leave(case: HardCase, following: HardCase | None) -> None:
    st.session_state["visited"] = [*st.session_state.get("visited", []), key(case)]
    _show(key(following or case))


def _show(target: tuple[str, str]) -> None:
    st.query_params["query"], st.query_params["passage"] = target


def _ranks(case: HardCase) -> tuple[tuple[str, None], ...]:
    before = () if case.before is None else ((f"rank {case.before:,} before", None),)
    return (*before, (f"rank {case.after:,} after" if before else f"rank {case.after:,}", None))
