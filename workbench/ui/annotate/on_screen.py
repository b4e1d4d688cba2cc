"""The hard case on screen: how its verdict is kept, and how another case takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from workbench.plots.look import USEFUL, usefulness
from workbench.records import Annotation, Verdict
from workbench.steps.annotate.annotate import ANONYMOUS, annotate
from workbench.store import Store, views
from workbench.store.views import ADJUDICATION, HardCase
from workbench.ui.annotate.case_queue import Queue, pair_ids
from workbench.ui.shell import cache

DRAFT: dict[str, Any] = {"verdict": "draft", "note": "", "grade": None, "tags": (), "flagged": False}


def typed_name() -> str:
    """Return who is judging, as typed in the sidebar."""
    return str(st.session_state.get("annotator") or "").strip() or ANONYMOUS


@dataclass(frozen=True)
class CaseOnScreen:
    """The case that is being judged, by whom, and out of which queue; `advance` goes on after each verdict."""

    store: Store
    queue: Queue
    case: HardCase
    annotator: str
    advance: bool = False

    @property
    def annotation(self) -> Annotation | None:
        """Return the last annotation of the case, as the page was drawn."""
        return self.queue.verdicts.get(pair_ids(self.case))

    @property
    def teachers_verdict(self) -> Verdict | None:
        """Return the verdict that the teacher's utility amounts to, None for a pair without one."""
        unit = cache.teacher_unit(self.store, self.queue.search.pair.teacher)
        role = usefulness(self.case.utility, unit)
        return None if role is None else "useful" if role is USEFUL else "useless"

    def keep(self, **changes: Any) -> None:
        """Append the last annotation with `changes`, unless nothing has changed; read anew, others may have written."""
        # Who judges is read now: `annotator` holds what stood there when the page was last drawn.
        annotator = typed_name()
        pair = pair_ids(self.case)
        rows = [
            row
            for row in views.last_words(self.store, annotator)
            if row[:2] == pair and (row.rule == ADJUDICATION) == self.queue.settles
        ]
        last = {name: getattr(rows[-1], name) for name in DRAFT} if rows else DRAFT
        if last["verdict"] == "withdrawn":
            last = last | {"verdict": "draft"}
        wanted = last | changes
        if wanted != last or (not rows and "verdict" in changes):
            rule = ADJUDICATION if self.queue.settles else self.case.rules[0]
            annotate(self.store, *pair, annotator=annotator, rule=rule, **wanted)


def put_on_screen(case: HardCase | None) -> None:
    """Put another case on screen; None leaves it to the queue which one."""
    if case:
        st.query_params["query"], st.query_params["passage"] = pair_ids(case)
    else:
        for name in ("query", "passage"):
            st.query_params.pop(name, None)
