"""The foot of the diff page: the displacement to the teacher in a sentence, the report as a file, how to come back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.commands import command
from workbench.errors import NothingToDo
from workbench.steps.compare.diff import Diff
from workbench.store import Store
from workbench.ui.diff.query_list import QueryList
from workbench.ui.shell import cache, commands, components
from workbench.ui.shell.pickers import ChosenRuns

MOST_QUERIES = 1_000  # whose passages' places are compared


def displacement(store: Store, chosen: ChosenRuns, teacher: str | None) -> None:
    """Say how many queries moved toward the teacher's order, and how many away from it."""
    if not teacher:
        return
    try:
        result = cache.displacement_to_teacher(store, *chosen.students, teacher, chosen.split, MOST_QUERIES)
    except NothingToDo:
        return  # the columns above say already that the teacher scored none of this
    components.remark(result.in_words)


def report(store: Store, diff: Diff | None, queries: QueryList, teacher: str | None) -> None:
    """Offer what the page shows as one file that opens offline; it is made when asked for."""

    def document() -> str:
        # Runs outside the page, where no picker can be asked.
        from workbench.report import Report, Shown, page

        return page(store, Report(diff, queries.rank_similarity), Shown(queries.filters, teacher=teacher))

    st.download_button(
        "Download as one HTML file",
        document,
        file_name="diff.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
        help="Summary, every query, and the 20 most changed side by side. It opens in any browser, offline.",
    )


def reproduce(store: Store, chosen: ChosenRuns, diff: Diff | None, students: Sequence[str], queries: QueryList) -> None:
    """Show the shell line, the notebook cell and the link of the comparison, its order and its filters."""
    arguments = command("diff", *students, measure=chosen.measure, split=chosen.split, **_options(queries))
    commands.reproduce(
        store,
        "diff",
        [arguments],
        "\n".join(_cell(chosen, diff, students, queries)),
        split=chosen.split,
        before=chosen.before.student,
        after=chosen.after.student,
        measure=chosen.measure,
    )


def _options(queries: QueryList) -> dict[str, object]:
    filters = queries.filters
    return {
        "by": queries.rank_similarity.by if queries.rank_similarity else "",
        "only": filters.only,
        "words": filters.words,
        "first_word": filters.first_word,
        "min_length": filters.min_length or "",
        "max_length": filters.max_length or "",
        "tag": filters.tag,
    }


def _cell(chosen: ChosenRuns, diff: Diff | None, students: Sequence[str], queries: QueryList) -> list[str]:
    before, after = chosen.students
    lines = ["diff = None  # nothing in this split is judged"]
    if diff:
        lines = [f"diff = wb.diff(store, {before!r}, {after!r}, {chosen.measure!r}, {chosen.split!r})"]
    if diff and len(students) > 2:
        lines.append(f"runs = wb.compare_runs(store, {tuple(students)!r}, [{chosen.measure!r}], {chosen.split!r})")
    if queries.rank_similarity:
        by = queries.by
        lines.append(f"similarity = wb.rank_similarity(store, {before!r}, {after!r}, {by!r}, {chosen.split!r})")
    compared = "diff, similarity" if queries.rank_similarity else "diff"
    return [*lines, f"wb.filtered(wb.compared_queries({compared}), wb.{queries.filters!r})"]
