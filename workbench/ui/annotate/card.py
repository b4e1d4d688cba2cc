"""A hard case as a card: why it is in the queue, its query and passage, and how far the queue is done."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from workbench.html.cards import Badge, Card, badge, judgements, question, role_class
from workbench.html.cards import card as passage_card
from workbench.html.marking import html
from workbench.plots.look import AFTER, RELEVANT
from workbench.store.views import HardCase
from workbench.ui.annotate.case_queue import Queue, pair_ids
from workbench.ui.annotate.on_screen import CaseOnScreen
from workbench.ui.shell import cache, components


def progress(queue: Queue) -> None:
    """Show how much of the queue is done."""
    total, counts = len(queue.cases), queue.counts()
    if not total:
        return
    done, skipped, left = counts["done"], counts["skipped"], counts["pending"]
    how = "settled" if queue.settles else "judged by you"
    st.progress(done / total, text=f"{done:,} of {total:,} {how}, {left:,} waiting, {skipped:,} skipped")
    if not left:
        more = f" {skipped:,} that you skipped wait under “skipped”." if skipped else " Thank you."
        st.success(f"No case of this filter is waiting.{more}", icon=":material/done_all:")


def show(screen: CaseOnScreen, *, blind: bool) -> None:
    """Show the case: query, answers, passage, and, unless `blind`, utility, ranks and qrel."""
    store, case, wanted = screen.store, screen.case, st.query_params.get("query", "")
    if wanted and (wanted, st.query_params.get("passage", "")) != pair_ids(case):
        components.stale("The link names a case that is not in this queue. Showing the next one that waits.")
    query = cache.query(store, case.query_id)
    passage = next(iter(cache.passages(store, ids=(case.passage_id,))))
    components.html_block(f'<div class="wb"><div class="wb-why {role_class(AFTER)}">{_why(screen, blind)}</div></div>')
    components.html_block(question(query))
    unit = cache.teacher_unit(store, screen.queue.search.pair.teacher)
    badges = () if blind else (*judgements(case, unit), *_ranks(case))
    role = RELEVANT if not blind and case.relevant else None
    card = Card(passage.passage_id, passage.title, passage.text, badges=badges, role=role)
    components.html_block(f'<div class="wb">{passage_card(card, query, fold=False)}</div>')
    components.legend()
    _last_verdict(screen)


def _why(screen: CaseOnScreen, blind: bool) -> str:
    if blind:
        return '<span class="wb-soft">Why it is here: hidden while you judge blind</span>'
    reasons = " ".join(f"{badge(reason.rule)} {html(reason.why)}" for reason in screen.case.reasons)
    student = "" if screen.case.after is None else f"; student {screen.queue.search.pair.run.student}"
    return f'<span class="wb-soft">Why it is here: </span>{reasons}<span class="wb-soft">{html(student)}</span>'


def _last_verdict(screen: CaseOnScreen) -> None:
    annotation = screen.annotation
    if annotation is None or screen.queue.state(screen.case) == "pending":
        return
    verdict = "skipped it" if annotation.verdict == "skipped" else f"called it {annotation.verdict}"
    who = f"{annotation.annotator} has" if screen.queue.settles else "You"
    grade = "" if annotation.grade is None else f", grade {annotation.grade}"
    when = components.ago(annotation.created, datetime.now(UTC))
    components.remark(f"{who} {verdict}{grade}, {when}. A new verdict follows it; the old one stays on record.")


def _ranks(case: HardCase) -> tuple[Badge, ...]:
    before = () if case.before is None else (Badge(f"rank {case.before:,} before"),)
    if case.after is None:
        return before
    return (*before, Badge(f"rank {case.after:,} after" if before else f"rank {case.after:,}"))
