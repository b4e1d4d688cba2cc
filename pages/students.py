"""Every student of the workspace: which is best, is it really better than its base, and what was tried."""

from __future__ import annotations

import streamlit as st

from workbench import jobs
from workbench.store import Store
from workbench.ui.shell import cache, components, frame, job_board, pickers
from workbench.ui.students import leaderboard, sweep_form


def page(store: Store) -> None:
    """Hold the students against one another and their bases, open one, and offer to train more."""
    teachers = [found.teacher for found in cache.teachers(store) if found.pairs]
    if not teachers and not cache.trained(store):
        components.empty(
            "A student learns from utilities, and no teacher has scored anything yet.",
            "workbench candidates",
            "workbench score --teacher lexical",
        )
        return
    running = [job for job in jobs.jobs(store) if job.verb == "sweep" and job.state == "running"]
    if running:
        components.heading("Running")
        job_board.live(store, running)
    split, measure, student = _leaderboard(store)
    if teachers:
        components.heading("Try many recipes")
        if arguments := sweep_form.form(store, teachers):
            jobs.start(store, arguments)
            st.rerun()  # it is followed at the top
    if ended := [job for job in jobs.jobs(store) if job.verb == "sweep" and job.state != "running"][:3]:
        components.heading("Sweeps lately")
        job_board.board(store, ended)
    components.reproduce(
        store,
        "students",
        ["students", "--split", split, "--measure", measure],
        f"found = wb.leaderboard(store, {split!r}, {measure!r})\nwb.plots.recipes(found)",
        split=split,
        measure=measure,
        student=student,
    )


def _leaderboard(store: Store) -> tuple[str, str, str]:
    """Show what is known of the students; return what was chosen: split, measure, and the student that is open."""
    splits = pickers.splits(store) or ["test"]
    made = {student.name: student for student in cache.trained(store)}
    if not made:
        components.empty("No student has been trained in this workspace yet. Try a few recipes below.")
        return splits[0], "nDCG@10", ""
    lead, choices = components.columns("two", [1.7, 1])
    with choices:
        left, right = components.columns("pickers-students", [1, 1])
        with left:
            split = pickers.one("Split", splits, "split", "test")
        with right:
            measure = pickers.one("Measure", pickers.measures(store, split), "measure", "nDCG@10")
    found = cache.leaderboard(store, split, measure)
    with lead:
        components.lead(found.in_words)
    leaderboard.overview(found)
    row = leaderboard.table(found, f"{split}-{measure}-{store.revision()}-{len(made)}")
    if row:
        leaderboard.opened(store, found, row, made)
    leaderboard.side_by_side(found)
    return split, measure, row.student if row else ""


frame.show(page, "Students")
