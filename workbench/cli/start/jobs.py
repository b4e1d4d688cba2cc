"""The command that shows background jobs: jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench import jobs
from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.progress import in_words


def jobs_command(
    context: typer.Context,
    stop: Annotated[str, typer.Option(help="Ask this job to end; it keeps what it has finished.")] = "",
    log: Annotated[str, typer.Option(help="Print the last lines of this job.")] = "",
    json: Json = False,
) -> None:
    """List the steps that were started in the background, and their state."""
    session: Session = context.obj
    store = session.store()
    if stop:
        jobs.stop(store, stop)
        session.finish({"asked_to_end": stop}, f"Asked {stop} to end.", json)
    elif log:
        printed = jobs.log(store, log)
        session.finish({"job": log, "log": printed}, printed, json)
    elif json:
        output.as_json(jobs.jobs(store))
    else:
        rows = [
            (
                job.job_id,
                job.verb,
                job.shown_state,
                f"{job.started:%Y-%m-%d %H:%M}",
                _message(job),
            )
            for job in jobs.jobs(store)
        ]
        output.table(("job", "step", "state", "started", "message"), rows)


def _message(job: jobs.Job) -> str:
    """Return what a job reports: its last message, else how far it is."""
    if job.message or not job.progress:
        return job.message
    return f"{job.progress.step}: {in_words(job.progress, job.pace)}"
