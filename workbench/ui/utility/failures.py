"""What a teacher could not score: a small table of reasons, and the answers that gave no utility."""

from __future__ import annotations

import streamlit as st

from workbench.results import counted
from workbench.store import Store
from workbench.store.views.scored.teacher_names import asked_teachers
from workbench.ui.shell import cache, components
from workbench.ui.shell.tables import counts

SHOWN_ANSWERS = 20


def by_reason(store: Store, teacher: str) -> None:
    """Show why a teacher, or those it is derived from, could not score pairs, reason by reason."""
    for asked in asked_teachers(teacher):
        _of_asked(store, asked)


def _of_asked(store: Store, teacher: str) -> None:
    reasons = cache.failure_reasons(store, teacher)
    if not reasons:
        return
    failed = sum(row.pairs for row in reasons)
    components.stale(f"{teacher} could not score {counted(failed, 'pair')}; they are missing here, not 0.")
    rows = [
        {
            "status": row.status,
            "reason": row.reason,
            "pairs": row.pairs,
            "first query": row.query_id,
            "first passage": row.passage_id,
        }
        for row in reasons
    ]
    components.table(rows, f"failures-{teacher}", "Why pairs could not be scored", **counts("pairs"))
    _answers(store, teacher)


def _answers(store: Store, teacher: str) -> None:
    """Let a person read what the teacher wrote where it gave no utility."""
    answered = [failure for failure in cache.failures(store, teacher) if failure.answer]
    if not answered:
        return
    with st.expander(f"Answers that gave no utility: {len(answered):,}", icon=":material/chat_error:"):
        if len(answered) > SHOWN_ANSWERS:
            components.remark(f"{SHOWN_ANSWERS} of {len(answered):,} are shown; `wb.failures` has all.")
        for failure in answered[:SHOWN_ANSWERS]:
            pair = f"query {failure.query_id}, passage {failure.passage_id}"
            components.remark(f"{failure.status}, {pair}: {failure.reason}")
            st.code(failure.answer, language=None, wrap_lines=True)


def of_teachers_without_utilities(store: Store) -> None:
    """Show why those teachers failed that have scored nothing at all."""
    for row in cache.teachers(store):
        if not row.pairs:
            by_reason(store, row.teacher)
