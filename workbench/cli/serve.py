"""Commands that open something: the dashboard, JupyterLab, and the demo that fills both."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.demo import demo
from workbench.cli.output import note, say
from workbench.cli.session import WORKSPACE_VARIABLE, Session
from workbench.errors import NothingToDo, WorkbenchError

HOST = "127.0.0.1"
PORT = 8501
LAST_PORT = 65_535
ROOT = Path(__file__).resolve().parents[2]


def demo_command(
    context: typer.Context,
    steps: Annotated[
        int, typer.Option(min=1, help="Training steps; the most that fits two cores in a few minutes.")
    ] = 300,
    serve: Annotated[bool, typer.Option("--serve", help="Open the dashboard when the walk is done.")] = False,
    port: Annotated[int, typer.Option(min=1, max=LAST_PORT, help="The dashboard's port on this machine.")] = PORT,
) -> None:
    """Walk the bundled sample from files to a diff: ingest, score, train, evaluate; then look at it with `serve`."""
    if serve:
        free(port, "serve")  # better said now than after the walk
    demo(context.obj, steps)
    if serve:
        serve_command(context, port)


def serve_command(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=LAST_PORT, help="The port on this machine.")] = PORT,
) -> None:
    """Open the dashboard in a browser, on this machine only."""
    session: Session = context.obj
    free(port, "serve")
    home = dashboard()
    say(f"Dashboard of {session.workspace.resolve()}: http://{HOST}:{port}   (Ctrl-C ends it)")
    _follow(
        [sys.executable, "-m", "streamlit", "run", str(home / "streamlit_app.py"), f"--server.port={port}",
         f"--server.address={HOST}", "--server.fileWatcherType=none"],
        session, home,
    )  # fmt: skip


def lab_command(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=LAST_PORT, help="The port on this machine.")] = 8888,
) -> None:
    """Open JupyterLab on the notebooks, with this workspace."""
    session: Session = context.obj
    free(port, "lab")
    notebooks = ROOT / "notebooks"
    if not notebooks.is_dir():
        raise NothingToDo("The notebooks are not installed with the package.", "Clone the repository for them.")
    note(f"JupyterLab with {session.workspace.resolve()}")
    _follow(
        [sys.executable, "-m", "jupyterlab", f"--ServerApp.ip={HOST}", f"--port={port}", "--ServerApp.port_retries=0",
         f"--notebook-dir={notebooks}", *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])],
        session, ROOT,
    )  # fmt: skip


def dashboard() -> Path:
    """Return the folder of `streamlit_app.py`: the repository's, or the copy inside an installed package."""
    for home in (ROOT, ROOT / "workbench" / "dashboard"):
        if (home / "streamlit_app.py").is_file():
            return home
    raise WorkbenchError("The dashboard's files are missing from this installation.", "Install the package again.")


def free(port: int, verb: str) -> None:
    """Raise, naming a port that is free, if something listens on `port` already."""
    if _can_bind(port):
        return
    other = next((near for near in range(port + 1, min(port + 100, LAST_PORT + 1)) if _can_bind(near)), None)
    hint = f"Use another: workbench {verb} --port {other}" if other else "Name another --port."
    raise WorkbenchError(f"Port {port} is taken on {HOST}.", hint)


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _follow(command: list[str], session: Session, folder: Path) -> None:
    """Run a server until it ends or is interrupted; it gets the workspace by environment."""
    environment = {**os.environ, WORKSPACE_VARIABLE: str(session.workspace.resolve())}
    with subprocess.Popen(command, cwd=folder, env=environment) as server:
        try:
            code = server.wait()
        except KeyboardInterrupt:
            server.terminate()
            server.wait()
            return
    if code:
        raise typer.Exit(1)
