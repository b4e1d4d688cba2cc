"""A session of the dashboard without a browser: it asks for pages, and waits until each is drawn."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
DONE = "script_finished"


@contextmanager
def dashboard(workspace: Path, log: Path) -> Iterator[int]:
    """Serve a workspace for the block, and yield the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    options = (f"--server.port={port}", "--server.headless=true", "--server.fileWatcherType=none")
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", *options]
    environment = {**os.environ, "WORKBENCH_WORKSPACE": str(workspace)}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output) as server,
    ):
        try:
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                    break
                time.sleep(0.2)
            yield port
        finally:
            server.terminate()


class Visitor:
    """A session: the same connection page after page, as a tab of a browser has it."""

    def __init__(self, port: int) -> None:
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        self._connection = connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE)  # type: ignore[list-item]

    def visit(self, page: str) -> tuple[float, list[str]]:
        """Open a page by its link; return the seconds until it was drawn, and the exceptions that it shows."""
        began, asked = time.monotonic(), BackMsg()
        asked.rerun_script.page_name = page
        self._connection.send(asked.SerializeToString())
        exceptions: list[str] = []
        while True:
            message = ForwardMsg.FromString(bytes(self._connection.recv(timeout=PATIENCE)))
            element = message.delta.new_element
            if message.WhichOneof("type") == "delta" and element.WhichOneof("type") == "exception":
                exceptions.append(element.exception.message)
            if message.WhichOneof("type") == DONE:
                return time.monotonic() - began, exceptions

    def close(self) -> None:
        self._connection.close()
