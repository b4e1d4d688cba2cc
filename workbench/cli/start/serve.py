"""The command that opens the dashboard: serve."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.session import Session
from workbench.cli.start import servers
from workbench.errors import WorkbenchError
from workbench.formats.allowed_folders import FOLDERS_VARIABLE

PORT = 8501


def serve_command(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=servers.LAST_PORT, help="The port on this machine.")] = PORT,
    allow: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder from which the page Ingest may read files; unless given, this one and the workspace's "
            "parent.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Open the dashboard in a browser, on this machine only."""
    session: Session = context.obj
    servers.free(port, "serve")
    folder = dashboard()
    folders = allow or [Path.cwd(), session.workspace.resolve().parent]
    output.line(f"Dashboard of {session.workspace.resolve()}: http://{servers.HOST}:{port}   (Ctrl-C stops it)")
    servers.follow(
        [sys.executable, "-m", "streamlit", "run", str(folder / "streamlit_app.py"), f"--server.port={port}",
         f"--server.address={servers.HOST}", "--server.fileWatcherType=none"],
        session, folder, **{FOLDERS_VARIABLE: os.pathsep.join(str(path.expanduser().resolve()) for path in folders)},
    )  # fmt: skip


def dashboard() -> Path:
    """Return the folder of `streamlit_app.py`: the repository's, or the copy inside an installed package."""
    for folder in (servers.ROOT, servers.ROOT / "workbench" / "dashboard"):
        if (folder / "streamlit_app.py").is_file():
            return folder
    raise WorkbenchError("The dashboard's files are missing from this installation.", "Install the package again.")
