"""The annotation card: a component that answers keys in the browser and sends verdicts until they are kept."""

from __future__ import annotations

import hashlib
import logging
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

from workbench.steps.annotate.annotate import TAGS
from workbench.steps.annotate.outbox import Receipt, receive
from workbench.store import Store
from workbench.store.views import HardCase
from workbench.ui.annotate.case_data import case_data
from workbench.ui.annotate.case_queue import Queue, current, named_in_link

log = logging.getLogger("workbench.ui")

KEY = "annotation-card"
RECEIPT = "annotation-receipt"  # in the session: what became of the last message, and which one that was
BULK = "annotation-bulk-acts"  # in the session: how often many cases were annotated, or taken back, by a button

_FOLDER = Path(__file__).parent
_SCRIPTS = ("outbox.js", "queue.js", "view.js", "face.js", "card.js")  # one module: Streamlit loads scripts from text

_mount = st.components.v2.component(
    "workbench_annotation_card",
    css=(_FOLDER / "card.css").read_text("utf-8"),
    js="\n".join((_FOLDER / name).read_text("utf-8") for name in _SCRIPTS),
    isolate_styles=False,
)


@st.fragment
def show(store: Store, queue: Queue, *, blind: bool, advance: bool) -> None:
    """Show the case that the link names, or the first that waits; a message of the browser runs this anew, no more."""
    search = _search(store, queue, blind)
    # Where the browser has walked to; the address that this run knows is the one of the last run of the whole page.
    view: dict[str, Any] = st.session_state.get(KEY, {}).get("view") or {}
    queue = current(store, queue, str(view.get("tab", "")))
    attempt, receipt = st.session_state.get(RECEIPT, ("", Receipt()))
    start = _start(queue, view, search)
    withdrawn, around = _withdrawn(queue, receipt), queue.around(start)
    listed = around if withdrawn is None or withdrawn in around else [withdrawn, *around]
    cases = case_data(store, queue, listed, blind=blind)
    data = {
        "workspace": str(store.path),
        "search": search,
        "receipt": {"attempt": attempt, **vars(receipt)},
        "tab": queue.tab,
        "settles": queue.settles,
        "annotator": queue.annotator,
        "counts": queue.counts(),
        "cases": cases,
        "start": {"query_id": start.query_id, "passage_id": start.passage_id} if start else None,
        "bulk_acts": st.session_state.get(BULK, 0),
        "blind": blind,
        "advance": advance,
        "tags": TAGS,
    }
    _mount(key=KEY, data=data, on_outbox_change=partial(_receive, store), on_view_change=lambda: None)


def _start(queue: Queue, view: dict[str, Any], search: str) -> HardCase | None:
    """Return the case that the browser has walked to, or that the link names; else the first of the tab."""
    query_id, passage_id = named_in_link()
    if view.get("search") == search:
        query_id, passage_id = view.get("at") or ("", "")
    return queue.case((query_id, passage_id)) or next(iter(queue.in_tab()), None)


def _withdrawn(queue: Queue, receipt: Receipt) -> HardCase | None:
    """Return the case that an undo took a verdict back of: the browser goes there, and may not hold it."""
    pairs = [pairs[-1] for pairs in receipt.withdrawn.values()]
    return queue.case(pairs[-1]) if pairs else None


def _search(store: Store, queue: Queue, blind: bool) -> str:
    """Return a digest of all but the tab that makes the browser begin anew with other cases."""
    search = (*queue.search.pair, queue.search.before, queue.search.thresholds, queue.search.queries)
    chosen = (queue.rule, queue.annotator, blind, sorted(store.overrides.items()), *search)
    return hashlib.sha256(repr(chosen).encode("utf-8", "replace")).hexdigest()[:16]


def _receive(store: Store) -> None:
    """Keep what the browser sent, before anything of the page is drawn."""
    message: dict[str, Any] = st.session_state[KEY].get("outbox") or {}
    attempt, acts = str(message.get("attempt", "")), message.get("acts", [])
    try:
        receipt = receive(store, acts)
    except Exception:
        # The browser holds them and sends them again; the page must go on to say so.
        mark = uuid4().hex[:8]
        log.exception("verdicts were not kept (%s) in workspace %s", mark, store.path)
        receipt = Receipt(waiting=f"Something went wrong; the server's log has the details under {mark}.")
    st.session_state[RECEIPT] = attempt, receipt
