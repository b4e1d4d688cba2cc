"""The command that shows background jobs: jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench import jobs
from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session


def jobs_command(
    context: typer.Context,
    stop: Annotated[str, typer.Option(help="Ask this job to end; it keeps what it has finished.")] = "",
    log: Annotated[str, typer.Option(help="Print the last lines of this job.")] = "",
    json: Json = False,
) -> None:
    """List the steps that were started in the background, and how they stand."""
    session: Session = context.obj
    store = session.store()
    if stop:
        jobs.stop(store, stop)
        session.tell({"asked_to_end": stop}, f"Asked {stop} to end.", json)
    elif log:
        printed = jobs.log(store, log)
        session.tell({"job": log, "log": printed}, printed, json)
    elif json:
        output.as_json(jobs.jobs(store))
    else:
        rows = [(j.job_id, j.verb, j.state, f"{j.started:%Y-%m-%d %H:%M}", j.message) for j in jobs.jobs(store)]
        output.table(("job", "step", "state", "started", "last word"), rows)
