"""The workspace at a glance: what it holds, how the students do, and what comes next."""

from __future__ import annotations

import streamlit as st

from workbench import jobs
from workbench.store import Store
from workbench.ui.overview import export_form, tables, walk
from workbench.ui.shell import cache, collection, components, frame, job_board


def page(store: Store) -> None:
    """Show what the workspace holds and the next step of the walk."""
    counts, teachers, runs = cache.counts(store), cache.teachers(store), cache.runs(store)
    components.lead(walk.summary(counts, teachers, runs))
    walk.show(store, counts, runs)
    if not counts.queries and not counts.passages:
        return
    pairs = sum(split.candidates for split in counts.splits)
    components.numbers(
        components.Number("Passages", f"{counts.passages:,}"),
        components.Number("Queries", f"{counts.queries:,}", f"{counts.qrels:,} relevance judgements"),
        components.Number("Utilities", f"{counts.utilities:,}", f"of {pairs:,} candidate pairs"),
        components.Number("Runs", f"{counts.runs:,}", "rankings of a student on a split"),
        components.Number("Annotations", f"{counts.annotations:,}", "verdicts by people"),
    )
    split = tables.students(store)
    components.heading("Teachers")
    tables.teachers(store, teachers)
    tags = cache.tags(store)
    left, right = components.columns("two", [1.4, 1]) if tags else [st.container()] * 2
    with left:
        components.heading("Splits")
        collection.splits(counts.splits, cache.leaks(store))
        components.heading("Jobs")
        job_board.board(store, jobs.jobs(store)[:5])
        export_form.offer(store)
    if tags:
        with right:
            components.heading("Tags")
            collection.tags(tags)
    tables.reproduce(store, split)


frame.show(page, "Overview")
