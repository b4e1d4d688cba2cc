"""Every student of the workspace: which is best, is it really better than its base, and what was tried."""

from __future__ import annotations

import streamlit as st

from workbench import jobs
from workbench.store import Store
from workbench.ui import cached, choices, following, frame, parts, standing, sweeping


def page(store: Store) -> None:
    """Hold the students against one another and their bases, open one, and offer to train more."""
    teachers = [found.teacher for found in cached.teachers(store) if found.pairs]
    if not teachers and not cached.trained(store):
        parts.empty(
            "A student learns from utilities, and no teacher has scored anything yet.",
            "workbench candidates",
            "workbench score --teacher lexical",
        )
        return
    running = [job for job in jobs.jobs(store) if job.verb == "sweep" and job.state == "running"]
    if running:
        parts.heading("Running")
        following.live(store, running)
    split, measure, student = _standings(store)
    if teachers:
        parts.heading("Try many recipes")
        if arguments := sweeping.form(store, teachers):
            jobs.start(store, arguments)
            st.rerun()  # it is followed at the top
    if ended := [job for job in jobs.jobs(store) if job.verb == "sweep" and job.state != "running"][:3]:
        parts.heading("Sweeps lately")
        following.board(store, ended)
    parts.reproduce(
        store,
        "students",
        ["students", "--split", split, "--measure", measure],
        f"found = wb.standings(store, {split!r}, {measure!r})\nwb.plots.recipes(found)",
        split=split,
        measure=measure,
        student=student,
    )


def _standings(store: Store) -> tuple[str, str, str]:
    """Show what is known of the students; return what was chosen: split, measure, and the student that is open."""
    splits = choices.splits(store) or ["test"]
    made = {student.name: student for student in cached.trained(store)}
    if not made:
        parts.empty("No student has been trained in this workspace yet. Try a few recipes below.")
        return splits[0], "nDCG@10", ""
    lead, pickers = parts.columns("two", [1.7, 1])
    with pickers:
        left, right = parts.columns("pickers-students", [1, 1])
        with left:
            split = choices.one("Split", splits, "split", "test")
        with right:
            measure = choices.one("Measure", choices.measures(store, split), "measure", "nDCG@10")
    found = cached.standings(store, split, measure)
    with lead:
        parts.lead(found.in_words)
    standing.overview(found)
    row = standing.table(found, f"{split}-{measure}-{store.revision()}-{len(made)}")
    if row:
        standing.opened(store, found, row, made)
    standing.side_by_side(found)
    return split, measure, row.student if row else ""


frame.show(page, "Students")
