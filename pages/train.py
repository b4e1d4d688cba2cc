"""Train a student in the background, and look at those that were trained before."""

from __future__ import annotations

from workbench import jobs
from workbench.results import counted
from workbench.steps.teach.planning.candidate_fit import QRELS
from workbench.store import Store
from workbench.ui.shell import cache, commands, components, frame, job_board, navigation, next_step, pickers
from workbench.ui.students import report
from workbench.ui.train import form

SHOWN = 3  # of the students, the last so many; all of them are a page of their own
VERBS = ("train", "evaluate", "export-student")


def page(store: Store) -> None:
    """Offer a training, follow those that run, and show the students trained last."""
    teachers = pickers.scoring_teachers(store)
    if any(split.split == "train" and split.judged > split.without_relevant for split in cache.counts(store).splits):
        teachers.append(QRELS)
    if not teachers:
        next_step.nothing_scored(
            store, "A student is trained on utilities or on qrels of the train split, and there are neither yet."
        )
        return
    components.lead(
        "Training moves a student's similarities toward a teacher's utilities, on the queries of the train split. The "
        "best checkpoint is chosen on dev; test is never used. It runs in a process of its own: you may close this "
        "page."
    )
    if (leaks := cache.leaks(store)).of:
        components.remark(leaks.in_words)
    if arguments := form.form(store, teachers):
        started = jobs.start(store, arguments)
        components.remark(f"Job {started.job_id} has started.")
    board = [job for job in jobs.jobs(store) if job.verb in VERBS]
    if running := [job for job in board if job.state == "running"]:
        components.heading("Running")
        job_board.live(store, running)
    if ended := [job for job in board if job.state != "running"]:
        components.heading("Recent jobs")
        job_board.board(store, ended[:5])
    components.heading("Students trained last")
    trained = cache.trained(store)[::-1]
    if not trained:
        components.empty(
            "No student has been trained in this workspace yet. Start one above, or in the shell:",
            commands.line(store, "train"),
        )
    for student in trained[:SHOWN]:
        report.report(store, student)
    if len(trained) > SHOWN:
        navigation.link("students", f"All {counted(len(trained), 'student')}")
    commands.reproduce(
        store,
        "train",
        [["students"]],
        "board = wb.leaderboard(store)\n"
        "{row.student: (row.dev_before, row.dev_after) for row in board.students if row.teacher}",
    )


frame.show(page, "Train")
