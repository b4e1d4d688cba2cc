"""Jobs on a page: those that run are followed, those that ended are listed with their outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from workbench import jobs, plots
from workbench.commands import line
from workbench.html.cards import badge
from workbench.html.marking import html
from workbench.jobs import Job
from workbench.plots.look import AFTER, HARMFUL, USEFUL, Role
from workbench.progress import in_words
from workbench.steps.teach.train import history
from workbench.store import Store
from workbench.ui.shell import components

SECONDS = 2.0

# A word, a sign and a role for each state, so that they are told apart without colour too.
STATES: dict[str, tuple[str, Role | None]] = {
    "running": ("▶ running", AFTER),
    "done": ("✓ done", USEFUL),
    "failed": ("✕ failed", HARMFUL),
    "stopped": ("■ stopped", None),
    "lost": ("? lost", HARMFUL),
}


def board(store: Store, listed: Sequence[Job]) -> None:
    """List jobs with their state and their last message."""
    if not listed:
        components.remark("No job has run here yet.")
    for job in listed:
        with st.container(border=True):
            _headline(job)
            if job.state in ("failed", "lost"):
                with st.expander("The last lines it printed"):
                    st.code(jobs.log(store, job.job_id) or "nothing", language=None, wrap_lines=True)


def live(store: Store, running: Sequence[Job]) -> None:
    """Follow running jobs until one of them ends, then show the page anew."""
    names = [job.job_id for job in running]

    @st.fragment(run_every=SECONDS)
    def follow() -> None:
        current = [jobs.find(store, name) for name in names]
        for job in current:
            with st.container(border=True):
                _headline(job)
                _progress(job)
                _curve(store, job)
                _controls(store, job)
        if any(job.state != "running" for job in current):
            st.rerun()

    follow()


def _headline(job: Job) -> None:
    word, role = STATES.get(job.state, (job.state, None))
    when = components.ago(job.started, datetime.now(UTC))
    st.html(
        f'<div class="wb wb-badges">{badge(word, role)} <b>{html(job.verb)}</b> <span>{html(job.student)}</span> '
        f'<span class="wb-soft">started {when}</span></div>'
        + (f'<div class="wb wb-text">{html(job.message)}</div>' if job.message else "")
        + f'<div class="wb wb-id">{html(job.job_id)}: {html(line(job.arguments))}</div>'
    )


def _progress(job: Job) -> None:
    if not job.progress:
        components.remark("Getting ready: loading the model and the data.")
        return
    done, total = job.progress.done, job.progress.total
    st.progress(min(1.0, done / total) if total else 0.0)
    components.remark(f"{job.progress.step}: {in_words(job.progress, job.pace)}")


def _curve(store: Store, job: Job) -> None:
    steps = history(store, job.student) if job.verb == "train" and job.student else []
    if len(steps) > 1:
        components.picture(plots.history(steps), f"history-{job.job_id}", "Loss and dev measure by training step")


def _controls(store: Store, job: Job) -> None:
    if st.button(
        "Stop", key=f"stop-{job.job_id}", icon=":material/stop:", help="Ends after this step; the best so far is kept."
    ):
        jobs.stop(store, job.job_id)
        components.remark("It was asked to stop, and will after the step at hand.")
    with st.expander("What it prints"):
        st.code(jobs.log(store, job.job_id, 15) or "nothing yet", language=None, wrap_lines=True)
