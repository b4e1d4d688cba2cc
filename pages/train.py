"""Train a student in the background, and look at those that were trained before."""

from __future__ import annotations

from workbench import jobs
from workbench.steps.plan import QRELS
from workbench.store import Store
from workbench.ui import cached, following, frame, lesson_form, lessons, parts, rooms

SHOWN = 3  # of the students, the last so many; all of them are a page of their own


def page(store: Store) -> None:
    """Offer a training, follow those that run, and show the students that came out last."""
    teachers = [found.teacher for found in cached.teachers(store) if found.pairs]
    if any(part.split == "train" and part.judged for part in cached.counts(store).splits):
        teachers.append(QRELS)
    if not teachers:
        parts.empty(
            "A student learns from utilities or from qrels of the train split, and there are neither yet.",
            "workbench candidates",
            "workbench score --teacher lexical",
        )
        return
    parts.lead(
        "A training takes a student and shows it, query by query, which passages the teacher finds useful. It learns "
        "on the train split, its best moment is chosen on dev, and test is never looked at. It runs in a process of "
        "its own: you may close this page."
    )
    if arguments := lesson_form.form(store, teachers):
        started = jobs.start(store, arguments)
        parts.remark(f"Job {started.job_id} has started.")
    mine = [job for job in jobs.jobs(store) if job.verb in ("train", "evaluate", "take")]
    running = [job for job in mine if job.state == "running"]
    if running:
        parts.heading("Running")
        following.live(store, running)
    if ended := [job for job in mine if job.state != "running"][:5]:
        parts.heading("Lately")
        following.board(store, ended)
    parts.heading("Students trained last")
    made = cached.trained(store)[::-1]
    if not made:
        parts.empty(
            "No student has been trained in this workspace yet. Start one above, or in the shell:", "workbench train"
        )
    for student in made[:SHOWN]:
        lessons.report(store, student)
    if len(made) > SHOWN:
        rooms.link("students", f"All {len(made):,} students")


frame.show(page, "Train")
