"""The command that looks whether a workspace is whole: doctor."""

from __future__ import annotations

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.store import Store
from workbench.upkeep.diagnosis import doctor


def doctor_command(context: typer.Context, json: Json = False) -> None:
    """Look whether the workspace is whole: checksums, students, vectors, jobs, versions, disk. Changes nothing."""
    session: Session = context.obj
    diagnosis = doctor(Store(session.workspace, opened=False))
    if not json:
        for finding in diagnosis.findings:
            output.line(
                f"{finding.state:<5} {finding.what}: {finding.message}" + (f" {finding.hint}" * bool(finding.hint))
            )
    session.finish(diagnosis, diagnosis.in_words, json)
    if not diagnosis.is_whole:
        raise typer.Exit(1)
