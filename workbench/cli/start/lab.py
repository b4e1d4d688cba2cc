"""The command that opens JupyterLab: lab."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.session import Session
from workbench.cli.start import servers
from workbench.errors import NothingToDo


def lab_command(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=servers.LAST_PORT, help="The port on this machine.")] = 8888,
) -> None:
    """Open JupyterLab on the notebooks, with this workspace."""
    session: Session = context.obj
    servers.free(port, "lab")
    notebooks = servers.ROOT / "notebooks"
    if not notebooks.is_dir():
        raise NothingToDo("The notebooks are not installed with the package.", "Clone the repository for them.")
    output.note(f"JupyterLab with {session.workspace.resolve()}")
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    servers.follow(
        [sys.executable, "-m", "jupyterlab", f"--ServerApp.ip={servers.HOST}", f"--port={port}",
         "--ServerApp.port_retries=0", f"--notebook-dir={notebooks}", *root],
        session, servers.ROOT,
    )  # fmt: skip
