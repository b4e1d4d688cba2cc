"""The program: its global options and the order of its commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from workbench import machine
from workbench.cli import agreement, annotate, compare, data, learn, look, serve, ship, sweep
from workbench.cli.session import WORKSPACE_VARIABLE, Session, run, workspace_path

HELP = """See where a retriever's similarities and a language model's utilities disagree, and teach one the other.

A walk has these steps, in this order; each adds to the workspace and none edits what an earlier one wrote:

ingest → candidates → score → train → evaluate → diff → annotate → export

Try it on the bundled sample with `workbench demo`, then look at it with `workbench serve`.
"""

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": serve.demo_command,
    "serve": serve.serve_command,
    "lab": serve.lab_command,
    "ingest": data.ingest_command,
    "candidates": learn.candidates_command,
    "score": learn.score_command,
    "train": learn.train_command,
    "sweep": sweep.sweep_command,
    "evaluate": learn.evaluate_command,
    "diff": compare.diff_command,
    "cases": look.cases_command,
    "annotate": annotate.annotate_command,
    "agreement": agreement.agreement_command,
    "export": data.export_command,
    "export-student": ship.export_student_command,
    "push": ship.push_command,
    "info": data.info_command,
    "students": look.students_command,
    "jobs": look.jobs_command,
    "snapshot": data.snapshot_command,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


@app.callback()
def options(
    context: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(help=f"The workspace's folder; else ${WORKSPACE_VARIABLE}, else ./workspace.", show_default=False),
    ] = None,
) -> None:
    """Take the options that come before the verb."""
    context.obj.workspace = workspace_path(workspace)


def main() -> None:
    """Run the program on the arguments of this process."""
    machine.prepare()
    session = Session(workspace_path())
    run(lambda: app(obj=session), session)
