"""The workspace at a glance: what it holds, how the students do, and what comes next."""

from __future__ import annotations

import streamlit as st

from workbench import jobs
from workbench.store import Store
from workbench.ui import cached, choices, following, frame, parts, tables, walk


def page(store: Store) -> None:
    """Show what the workspace holds and the next step of the walk."""
    held = cached.counts(store)
    teachers, runs = cached.teachers(store), cached.runs(store)
    parts.lead(walk.summary(held, teachers, runs))
    walk.next_step(store, held, runs)
    if not held.queries and not held.passages:
        return
    pairs = sum(split.candidates for split in held.splits)
    parts.numbers(
        parts.Number("Passages", f"{held.passages:,}"),
        parts.Number("Queries", f"{held.queries:,}", f"{held.qrels:,} relevance judgements"),
        parts.Number("Utilities", f"{held.utilities:,}", f"of {pairs:,} candidate pairs"),
        parts.Number("Runs", f"{held.runs:,}", "rankings of a student on a split"),
        parts.Number("Annotations", f"{held.annotations:,}", "verdicts by people"),
    )
    _students(store)
    left, right = parts.columns("two", [1.7, 1])
    with left:
        parts.heading("Teachers")
        tables.teachers(teachers)
    with right:
        parts.heading("Splits")
        tables.splits(held.splits)
        if tags := cached.tags(store):
            parts.heading("Tags")
            tables.tags(tags)
    parts.heading("Jobs")
    following.board(store, jobs.jobs(store)[:5])
    parts.reproduce(store, "", ["info"], "wb.views.counts(store), wb.views.teachers(store), wb.views.runs(store)")


def _students(store: Store) -> None:
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    with left:
        parts.heading("Students")
    splits = sorted({run.split for run in cached.runs(store)}, reverse=True)
    if not splits:
        parts.empty("No student has been evaluated yet.", "workbench evaluate bm25 static:all-MiniLM-L6-v2")
        return
    with right:
        split = choices.one("Split", splits, "split", "test")
    found = cached.evaluated(store, split)
    for each in found:
        if each.stale:
            parts.stale(
                f"{each.student} was evaluated on {split} when the collection held other passages; evaluate it again."
            )
    tables.students(found)


frame.show(page, "Overview")
