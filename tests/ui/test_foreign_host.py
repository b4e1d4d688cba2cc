"""The dashboard's connection is refused to a page whose name is not this machine's."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.browser.dashboard import served
from workbench.store import Store

pytestmark = pytest.mark.process


def answer(port: int, host: str) -> str:
    """Return the first line of what the server answers to a page of `host` that opens its connection."""
    lines = (
        "GET /_stcore/stream HTTP/1.1", f"Host: {host}:{port}", f"Origin: http://{host}:{port}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return connection.recv(200).decode().splitlines()[0]


def test_a_page_of_another_name_cannot_connect(store: Store) -> None:
    with served(store.path) as address:
        port = urlsplit(address).port or 0
        assert " 101 " in answer(port, "127.0.0.1")
        assert " 101 " in answer(port, "localhost")
        assert " 403 " in answer(port, "rebound.example")
