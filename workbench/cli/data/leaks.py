"""The command that counts the queries of dev and test that train has seen: leaks."""

from __future__ import annotations

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.steps.data.splits.leaks import Leaks, leaks


def leaks_command(context: typer.Context, json: Json = False) -> None:
    """Count the queries of dev and test that share a passage or a wording with train: there a gain may be memory."""
    session: Session = context.obj
    result = leaks(session.store())
    if not json:
        output.table([name.replace("_", " ") for name in Leaks.columns], result.splits)
    session.finish(result, result.in_words, json)
