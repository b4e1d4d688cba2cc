"""A session of the dashboard without a browser: it asks for pages, and waits until each is drawn."""

from __future__ import annotations

import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

PATIENCE = 120.0
DONE = "script_finished"


class Visitor:
    """A session: the same connection page after page, as a tab of a browser has it."""

    def __init__(self, address: str) -> None:
        stream = f"{address.replace('http', 'ws')}/_stcore/stream"
        self._connection = connect(stream, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE)  # type: ignore[list-item]

    def visit(self, page: str) -> tuple[float, list[str]]:
        """Open a page by its link; return the seconds until it was drawn, and the exceptions that it shows."""
        began, asked = time.monotonic(), BackMsg()
        asked.rerun_script.page_name = page
        self._connection.send(asked.SerializeToString())
        exceptions: list[str] = []
        while True:
            message = ForwardMsg.FromString(self._connection.recv(timeout=PATIENCE, decode=False))
            element = message.delta.new_element
            if message.WhichOneof("type") == "delta" and element.WhichOneof("type") == "exception":
                exceptions.append(element.exception.message)
            if message.WhichOneof("type") == DONE:
                return time.monotonic() - began, exceptions

    def close(self) -> None:
        self._connection.close()
