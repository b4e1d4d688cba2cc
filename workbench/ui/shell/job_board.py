"""Jobs on a page: those that run are followed, those that ended are listed with their outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import streamlit as st

from workbench import jobs, plots
from workbench.commands import line
from workbench.errors import WorkbenchError
from workbench.html.cards import badge
from workbench.html.marking import html
from workbench.jobs import Job
from workbench.plots.look import AFTER, HARMFUL, USEFUL, Role
from workbench.progress import in_words
from workbench.steps.teach.train import history
from workbench.store import Store
from workbench.ui.shell import components

SECONDS = 2.0
RECENT = 3  # ended jobs that a page lists

# A word, a sign and a role for each state, so that they are told apart without colour too.
STATES: dict[str, tuple[str, Role | None]] = {
    "running": ("▶ running", AFTER),
    "stopping": ("■ stopping…", AFTER),
    "done": ("✓ done", USEFUL),
    "failed": ("✕ failed", HARMFUL),
    "stopped": ("■ stopped", None),
    "lost": ("? lost", HARMFUL),
}


def of_verbs(store: Store, verbs: Collection[str]) -> None:
    """Follow the jobs of these verbs that run, and list those that ended last; nothing where there were none."""
    listed = [job for job in jobs.jobs(store) if job.verb in verbs]
    if running := [job for job in listed if job.state == "running"]:
        components.heading("Running")
        live(store, running)
    if ended := [job for job in listed if job.state != "running"][:RECENT]:
        with st.expander("Recent jobs", expanded=ended[0].state in ("failed", "lost"), icon=":material/history:"):
            board(store, ended)


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
            if job.state in ("stopped", "failed", "lost"):
                st.button(
                    "Go on", key=f"again-{job.job_id}", icon=":material/resume:", on_click=_again,
                    args=(store, job), help="Starts the same command again: what was finished is not redone.",
                )  # fmt: skip


def _again(store: Store, job: Job) -> None:
    jobs.start(store, job.arguments)


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


def drawer(store: Store) -> None:
    """Show in the sidebar of every page which jobs run and how far they are; show the page anew when one ends."""
    names = [job.job_id for job in jobs.jobs(store) if job.state == "running"]
    if not names:
        return

    @st.fragment(run_every=SECONDS)
    def follow() -> None:
        current = [jobs.find(store, name) for name in names]
        st.caption(f"Jobs: {len(names)} running")
        for job in current:
            with st.container(border=True):
                st.html(f'<div class="wb wb-badges">{_badge(job)} <b>{html(job.verb)}</b></div>')
                _progress(job)
                _stop(store, job, "drawer")
        if any(job.state != "running" for job in current):
            st.rerun()

    follow()


def _badge(job: Job) -> str:
    return badge(*STATES.get(job.shown_state, (job.shown_state, None)))


def _headline(job: Job) -> None:
    when = components.ago(job.started, datetime.now(UTC))
    st.html(
        f'<div class="wb wb-badges">{_badge(job)} <b>{html(job.verb)}</b> <span>{html(job.student)}</span> '
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
    _stop(store, job, "stop")
    with st.expander("What it prints"):
        st.code(jobs.log(store, job.job_id, 15) or "nothing yet", language=None, wrap_lines=True)


def _stop(store: Store, job: Job, place: str) -> None:
    """Offer to stop a job; what was asked is shown in the same run, and for as long as the job goes on."""

    def ask() -> None:
        try:
            jobs.stop(store, job.job_id)
        except WorkbenchError:
            st.toast(f"{job.verb} had ended by itself.")

    st.button(
        "Stopping…" if job.stopping else "Stop", key=f"{place}-{job.job_id}", icon=":material/stop:",
        disabled=job.stopping or job.state != "running", on_click=ask,
        help="Ends after the step at hand; what was finished is kept, and the same command goes on from there.",
    )  # fmt: skip
