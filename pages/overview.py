"""The workspace at a glance: what it holds, how the students do, and what comes next."""

from __future__ import annotations

import streamlit as st

from workbench import jobs
from workbench.store import Store
from workbench.ui.overview import walk
from workbench.ui.shell import cache, components, frame, job_board, pickers, tables


def page(store: Store) -> None:
    """Show what the workspace holds and the next step of the walk."""
    held = cache.counts(store)
    teachers, runs = cache.teachers(store), cache.runs(store)
    components.lead(walk.summary(held, teachers, runs))
    walk.next_step(store, held, runs)
    if not held.queries and not held.passages:
        return
    pairs = sum(split.candidates for split in held.splits)
    components.numbers(
        components.Number("Passages", f"{held.passages:,}"),
        components.Number("Queries", f"{held.queries:,}", f"{held.qrels:,} relevance judgements"),
        components.Number("Utilities", f"{held.utilities:,}", f"of {pairs:,} candidate pairs"),
        components.Number("Runs", f"{held.runs:,}", "rankings of a student on a split"),
        components.Number("Annotations", f"{held.annotations:,}", "verdicts by people"),
    )
    _students(store)
    left, right = components.columns("two", [1.7, 1])
    with left:
        components.heading("Teachers")
        tables.teachers(teachers)
    with right:
        components.heading("Splits")
        tables.splits(held.splits)
        if tags := cache.tags(store):
            components.heading("Tags")
            tables.tags(tags)
    components.heading("Jobs")
    job_board.board(store, jobs.jobs(store)[:5])
    components.reproduce(store, "", ["info"], "wb.views.counts(store), wb.views.teachers(store), wb.views.runs(store)")


def _students(store: Store) -> None:
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    with left:
        components.heading("Students")
    splits = sorted({run.split for run in cache.runs(store)}, reverse=True)
    if not splits:
        components.empty("No student has been evaluated yet.", "workbench evaluate bm25 static:all-MiniLM-L6-v2")
        return
    with right:
        split = pickers.one("Split", splits, "split", "test")
    found = cache.evaluated(store, split)
    for each in found:
        if each.stale:
            components.stale(
                f"{each.student} was evaluated on {split} when the collection held other passages; evaluate it again."
            )
    tables.students(found)


frame.show(page, "Overview")
