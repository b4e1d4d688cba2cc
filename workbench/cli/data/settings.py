"""The command that shows and changes what the numbers and texts of a workspace follow: settings."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.steps.data.workspace_settings import configure, settings
from workbench.store import WorkspaceSettings

_ABOUT = {setting.name: f"{setting.metadata['about'].capitalize()}." for setting in fields(WorkspaceSettings)}


def settings_command(
    context: typer.Context,
    relevance: Annotated[int | None, typer.Option(help=_ABOUT["relevance"], show_default=False)] = None,
    title_join: Annotated[str | None, typer.Option(help=_ABOUT["title_join"], show_default=False)] = None,
    without_relevant: Annotated[str | None, typer.Option(help=_ABOUT["without_relevant"], show_default=False)] = None,
    index: Annotated[str | None, typer.Option(help=_ABOUT["index"], show_default=False)] = None,
    json: Json = False,
) -> None:
    """Show the settings that the workspace's numbers and texts follow; with an option, change that one.

    What a call asks for itself comes before them. Another title join makes other texts of the passages: runs that were
    made before are stale then, and are shown as such.
    """
    session: Session = context.obj
    store = session.store()
    options = {"relevance": relevance, "title_join": title_join, "without_relevant": without_relevant, "index": index}
    changes = {name: value for name, value in options.items() if value is not None}
    current = configure(store, **changes) if changes else settings(store)
    session.message = ", ".join(f"{setting.name} is {getattr(current, setting.name)}" for setting in fields(current))
    if json:
        return output.as_json(current)
    output.table(
        ("setting", "value", "usual", "meaning"),
        [(setting.name, getattr(current, setting.name), setting.default, _ABOUT[setting.name])
         for setting in fields(current)],
    )  # fmt: skip
