"""Every student of the workspace: which is best, is it really better than its base, and what was tried."""

from __future__ import annotations

import streamlit as st

from workbench import jobs
from workbench.store import Store
from workbench.ui.shell import cache, commands, components, frame, job_board, next_step, pickers
from workbench.ui.students import leaderboard, read_form, sweep_form

VERBS = ("sweep", "read")


def page(store: Store) -> None:
    """Compare the students with one another and with their bases, open one, and offer to train more."""
    teachers = pickers.scoring_teachers(store)
    if not teachers and not cache.trained(store):
        next_step.nothing_scored(store, "A student is trained on utilities, and no teacher has scored anything yet.")
        return
    board = [job for job in jobs.jobs(store) if job.verb in VERBS]
    if running := [job for job in board if job.state == "running"]:
        components.heading("Running")
        job_board.live(store, running)
    split, measure, student = _leaderboard(store)
    if teachers:
        components.heading("Try many recipes")
        if arguments := sweep_form.form(store, teachers):
            jobs.start(store, arguments)
            st.rerun()  # it is followed at the top
    if arguments := read_form.form(store, split):
        jobs.start(store, arguments)
        st.rerun()
    if ended := [job for job in board if job.state != "running"]:
        components.heading("Recent jobs")
        job_board.board(store, ended[:3])
    commands.reproduce(
        store,
        "students",
        [["students", "--split", split, "--measure", measure]],
        f"board = wb.leaderboard(store, {split!r}, {measure!r})\nwb.plots.recipes(board)",
        split=split,
        measure=measure,
        student=student,
    )


def _leaderboard(store: Store) -> tuple[str, str, str]:
    """Show what is known of the students; return what was chosen: split, measure, and the student that is open."""
    splits = pickers.splits(store) or ["test"]
    trained = {student.name: student for student in cache.trained(store)}
    if not trained:
        components.empty("No student has been trained in this workspace yet. Try a few recipes below.")
        return splits[0], "nDCG@10", ""
    lead, choices = components.columns("two", [1.7, 1])
    with choices:
        left, right = components.columns("pickers-students", [1, 1])
        with left:
            split = pickers.select("Split", splits, "split", "test")
        with right:
            measure = pickers.select("Measure", pickers.measures(store, split), "measure", "nDCG@10")
    board = cache.leaderboard(store, split, measure)
    with lead:
        components.lead(board.in_words)
    leaderboard.overview(board)
    row = leaderboard.table(board, f"{split}-{measure}-{store.revision()}-{len(trained)}")
    if row:
        leaderboard.opened(store, board, row, trained)
    leaderboard.side_by_side(board)
    return split, measure, row.student if row else ""


frame.show(page, "Students")
