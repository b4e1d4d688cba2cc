"""The program: its global options and the order of its commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from workbench import machine
from workbench.cli import annotate
from workbench.cli.compare import agreement, cases, diff, evaluate, health, latency, project, read, search, students
from workbench.cli.data import doctor, export, info, ingest, leaks, settings, snapshot, split
from workbench.cli.session import WORKSPACE_VARIABLE, Session, run, workspace_path
from workbench.cli.ship import backup, export_student, push, student
from workbench.cli.start import demo, jobs, lab, serve
from workbench.cli.teach import candidates, combine, learning_curve, reading, rerank, score, sweep, train

HELP = """See where a retriever's similarities and a language model's utilities disagree, and distil one into the other.

A walk has these steps, in this order; each adds to the workspace and none edits what an earlier one wrote:

ingest → candidates → score → train → evaluate → diff → annotate → export

Try it on the bundled sample with `workbench demo`, then look at it with `workbench serve`.
"""

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo.demo_command,
    "serve": serve.serve_command,
    "lab": lab.lab_command,
    "ingest": ingest.ingest_command,
    "split": split.split_command,
    "candidates": candidates.candidates_command,
    "score": score.score_command,
    "reading": reading.reading_command,
    "combine": combine.combine_command,
    "health": health.health_command,
    "train": train.train_command,
    "sweep": sweep.sweep_command,
    "learning-curve": learning_curve.learning_curve_command,
    "evaluate": evaluate.evaluate_command,
    "rerank": rerank.rerank_command,
    "read": read.read_command,
    "search": search.search_command,
    "diff": diff.diff_command,
    "latency": latency.latency_command,
    "project": project.project_command,
    "cases": cases.cases_command,
    "annotate": annotate.annotate_command,
    "agreement": agreement.agreement_command,
    "export": export.export_command,
    "export-student": export_student.export_student_command,
    "push": push.push_command,
    "leaks": leaks.leaks_command,
    "info": info.info_command,
    "settings": settings.settings_command,
    "students": students.students_command,
    "student": student.student_command,
    "jobs": jobs.jobs_command,
    "snapshot": snapshot.snapshot_command,
    "backup": backup.backup_command,
    "restore": backup.restore_command,
    "compact": backup.compact_command,
    "doctor": doctor.doctor_command,
}
# Where an id begins with a dash, the program says that there is no such option, and to look here.
EPILOG = "A value that begins with a dash: an option's after =, as in --teacher=-x; any other after --, as in: -- -x."
for name, command in COMMANDS.items():
    app.command(name, epilog=EPILOG)(command)


@app.callback()
def options(
    context: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(help=f"The workspace's folder; else ${WORKSPACE_VARIABLE}, else ./workspace.", show_default=False),
    ] = None,
) -> None:
    """Read the options that come before the command."""
    context.obj.workspace = workspace_path(workspace)


def main() -> None:
    """Run the program on the arguments of this process."""
    machine.prepare()
    session = Session(workspace_path())
    run(lambda: app(obj=session), session)
