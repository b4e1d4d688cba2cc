"""Train a student in the background, and look at those that were trained before."""

from __future__ import annotations

from workbench import jobs
from workbench.steps.teach.plan import QRELS
from workbench.store import Store
from workbench.ui.shell import cache, components, frame, job_board, navigation
from workbench.ui.students import report
from workbench.ui.train import form

SHOWN = 3  # of the students, the last so many; all of them are a page of their own


def page(store: Store) -> None:
    """Offer a training, follow those that run, and show the students that came out last."""
    teachers = [found.teacher for found in cache.teachers(store) if found.pairs]
    if any(part.split == "train" and part.judged for part in cache.counts(store).splits):
        teachers.append(QRELS)
    if not teachers:
        components.empty(
            "A student learns from utilities or from qrels of the train split, and there are neither yet.",
            "workbench candidates",
            "workbench score --teacher lexical",
        )
        return
    components.lead(
        "A training takes a student and shows it, query by query, which passages the teacher finds useful. It learns "
        "on the train split, its best moment is chosen on dev, and test is never looked at. It runs in a process of "
        "its own: you may close this page."
    )
    if arguments := form.form(store, teachers):
        started = jobs.start(store, arguments)
        components.remark(f"Job {started.job_id} has started.")
    mine = [job for job in jobs.jobs(store) if job.verb in ("train", "evaluate", "export-student")]
    running = [job for job in mine if job.state == "running"]
    if running:
        components.heading("Running")
        job_board.live(store, running)
    if ended := [job for job in mine if job.state != "running"][:5]:
        components.heading("Lately")
        job_board.board(store, ended)
    components.heading("Students trained last")
    made = cache.trained(store)[::-1]
    if not made:
        components.empty(
            "No student has been trained in this workspace yet. Start one above, or in the shell:", "workbench train"
        )
    for student in made[:SHOWN]:
        report.report(store, student)
    if len(made) > SHOWN:
        navigation.link("students", f"All {len(made):,} students")


frame.show(page, "Train")
