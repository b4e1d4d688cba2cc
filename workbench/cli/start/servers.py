"""Starting a server on this machine: a port that is free, and the workspace by environment variable."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import typer

from workbench.cli.session import WORKSPACE_VARIABLE, Session
from workbench.errors import WorkbenchError

HOST = "127.0.0.1"
LAST_PORT = 65_535
ROOT = Path(__file__).resolve().parents[3]


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


def follow(command: list[str], session: Session, folder: Path, **variables: str) -> None:
    """Run a server until it ends or is interrupted, with the workspace and `variables` in its environment."""
    environment = {**os.environ, **variables, WORKSPACE_VARIABLE: str(session.workspace.resolve())}
    with subprocess.Popen(command, cwd=folder, env=environment) as server:
        try:
            code = server.wait()
        except KeyboardInterrupt:
            server.terminate()
            server.wait()
            return
    if code:
        raise typer.Exit(1)
