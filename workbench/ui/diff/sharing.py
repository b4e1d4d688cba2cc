"""The foot of the diff page: the way to the teacher in a sentence, the report to send, how to come back."""

from __future__ import annotations

import streamlit as st

from workbench.errors import NothingToDo
from workbench.steps.compare.diff import Diff
from workbench.steps.compare.filters import Filters
from workbench.store import Store
from workbench.ui.diff.comparison import BY_MEASURE
from workbench.ui.shell import cache, components, pickers
from workbench.ui.shell.pickers import Comparison


def toward(store: Store, chosen: Comparison, teacher: str | None) -> None:
    """Say how many queries moved toward the teacher's order, and how many away from it."""
    if not teacher:
        return
    try:
        found = cache.toward(store, chosen.before.student, chosen.after.student, teacher, chosen.split)
    except NothingToDo:
        return  # the columns above say already that the teacher scored none of this
    components.remark(found.in_words)


def report(store: Store, chosen: Comparison, found: Diff | None, filters: Filters, by: str) -> None:
    """Offer what the page shows as one file that opens offline; it is made when asked for."""
    names = chosen.before.student, chosen.after.student
    rank_similarity = None if by == BY_MEASURE else cache.rank_similarity(store, *names, by, chosen.split)
    teacher = pickers.teacher(store)

    def made() -> str:
        # Runs outside the page, where no picker can be asked.
        from workbench.report import Report, Shown, page

        return page(store, Report(found, rank_similarity), Shown(filters, teacher=teacher))

    st.download_button(
        "Download as one HTML file",
        made,
        file_name="diff.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
        help="Summary, every query, and the 20 most changed side by side. It opens in any browser, offline.",
    )


def again(store: Store, chosen: Comparison, filters: Filters, by: str, query_id: str) -> None:
    """Tell how to come to this view again."""
    before, after = chosen.before.student, chosen.after.student
    asked = {
        "--by": "" if by == BY_MEASURE else by,
        "--only": filters.only,
        "--words": filters.words,
        "--first-word": filters.first_word,
        "--min-length": str(filters.min_length or ""),
        "--max-length": str(filters.max_length or ""),
        "--tag": filters.tag,
    }
    options = [part for name, value in asked.items() if value for part in (name, value)]
    cell = f"found = wb.diff(store, {before!r}, {after!r}, {chosen.measure!r}, {chosen.split!r})"
    rows = "wb.compared_queries(found)"
    if by != BY_MEASURE:
        cell += f"\ncontrast = wb.rank_similarity(store, {before!r}, {after!r}, {by!r}, {chosen.split!r})"
        rows = "wb.compared_queries(found, rank_similarity)"
    components.reproduce(
        store,
        "diff",
        ["diff", before, after, "--measure", chosen.measure, "--split", chosen.split, *options],
        f"{cell}\nwb.filtered({rows}, wb.{filters!r})",
        split=chosen.split,
        before=before,
        after=after,
        measure=chosen.measure,
        by="" if by == BY_MEASURE else by,
        query=query_id,
        **{name: st.query_params.get(name, "") for name in ("show", "words", "first", "length", "tag")},
    )
