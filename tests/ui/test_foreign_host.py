"""The dashboard's connection is refused to a page whose name is not this machine's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from workbench.store import Store

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.process


@pytest.fixture
def port(store: Store) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={number}"]
    environment = {**os.environ, "WORKBENCH_WORKSPACE": str(store.path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(600):
                with suppress(OSError), socket.create_connection(("127.0.0.1", number), 1):
                    break
                time.sleep(0.2)
            yield number
        finally:
            server.kill()


def answer(port: int, host: str) -> str:
    """Return the first line of what the server answers to a page of `host` that opens its connection."""
    lines = (
        "GET /_stcore/stream HTTP/1.1", f"Host: {host}:{port}", f"Origin: http://{host}:{port}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return connection.recv(200).decode().splitlines()[0]


def test_a_page_of_another_name_cannot_connect(port: int) -> None:
    assert " 101 " in answer(port, "127.0.0.1")
    assert " 101 " in answer(port, "localhost")
    assert " 403 " in answer(port, "rebound.example")
