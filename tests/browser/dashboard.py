"""The dashboard in a process that is there at once: forked from one that has loaded Streamlit and its like."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests import children

PATIENCE = 120.0  # seconds


def free_port() -> int:
    """Return a loopback port that nobody listens to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def served(workspace: Path, port: int = 0, slower: float = 0.0) -> Iterator[str]:
    """Serve the dashboard on a loopback port for the block, a free one unless given; yields its address.

    Every rerun, whole or of a fragment, takes `slower` seconds more.
    """
    port = port or free_port()
    server = children.call(_serve, port, slower, environment={"WORKBENCH_WORKSPACE": str(workspace)})
    try:
        until_up(port, server.poll)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        with suppress(TimeoutError):  # it is killed then
            server.wait(10)
        print(server.stdout, server.stderr)  # for a test that fails


def _serve(port: int, slower: float) -> None:
    from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
    from streamlit.web.cli import main

    run_script = ScriptRunner._run_script

    def slowly(self: ScriptRunner, *arguments: Any, **named: Any) -> Any:
        time.sleep(slower)
        return run_script(self, *arguments, **named)

    if slower:
        ScriptRunner._run_script = slowly  # type: ignore[method-assign]
    sys.argv = ["streamlit", "run", "streamlit_app.py", f"--server.port={port}", "--server.fileWatcherType=none"]
    main()


def until_up(port: int, poll: Callable[[], int | None]) -> None:
    """Wait until a server answers; `poll` returns its exit code, or None while it runs."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert poll() is None, "the server ended by itself"
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=30):
            return
        time.sleep(0.05)
    raise TimeoutError(f"the server did not come up in {PATIENCE:.0f} s")
