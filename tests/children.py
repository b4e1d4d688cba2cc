"""Child processes that start in less than a second: forked from a server that has torch and its like loaded already.

A child is a process like any other (its own pid, signals, exit code, session), but for how it came to be. What depends
on a clean interpreter, such as what an import loads, is tested with `subprocess`.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

Environment = Mapping[str, str] | None

ROOT = Path(__file__).parents[1]
# Libraries only: the program's own modules load in a third of a second, and `without_workbench` must not have them.
PRELOADED = (
    "accelerate", "bm25s", "datasets", "duckdb", "faiss", "ir_measures", "peft", "scipy.stats", "sentence_transformers",
    "torch", "transformers", "typer", "rich", "pandas", "plotly.graph_objects", "plotly.subplots", "streamlit.web.cli",
)  # fmt: skip

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(list(PRELOADED))


class Child:
    """A forked process: what `subprocess.Popen` offers, as far as tests ask for it; its output goes to files."""

    def __init__(self, function: Callable[..., object], arguments: tuple[Any, ...], environment: Environment) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="child-")
        self._output = Path(self._folder.name, "stdout"), Path(self._folder.name, "stderr")
        self._process = _start(function, arguments, environment, self._output)

    @property
    def stdout(self) -> str:
        return self._output[0].read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        return self._output[1].read_text(encoding="utf-8")

    def poll(self) -> int | None:
        """Return the exit code, minus the signal's number if it died of one; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, timeout: float = 300.0) -> int:
        """Wait for the end and return the exit code."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            self.kill()
            raise TimeoutError(f"The child ran for more than {timeout:.0f} s. It printed:\n{self.stdout}{self.stderr}")
        return code

    def checked(self) -> str:
        """Wait for the end, which must be a good one, and return what was printed."""
        assert self.wait() == 0, self.stderr
        return self.stdout


def workbench(*arguments: object, workspace: Path, environment: Environment = None) -> Child:
    """Start `workbench --workspace WORKSPACE ARGUMENTS`, with `environment` over that of this process."""
    return Child(_program, (["--workspace", str(workspace), *map(str, arguments)],), environment)


def workbench_ranks(count: int, *arguments: object, workspace: Path) -> list[Child]:
    """Start the program in `count` processes that train together, with the variables that torchrun sets."""
    shared = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "CUDA_VISIBLE_DEVICES": ""}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]
    return [workbench(*arguments, workspace=workspace, environment=shared | rank) for rank in ranks]


def call(function: Callable[..., object], *arguments: Any, environment: Environment = None) -> Child:
    """Start a process that calls a function, which a module holds that the process can import."""
    return Child(function, arguments, environment)


def without_workbench(code: str, *arguments: object, folder: Path) -> Child:
    """Start a program in `folder` that can import the libraries, and not the workbench."""
    return Child(_foreign, (code, [str(argument) for argument in arguments], folder), None)


def launch(arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Start a job as `workbench.jobs.launch` does, in whose place a test may put this."""
    pid = _start(_job, (list(arguments),), environment, (log, log)).pid
    assert pid is not None
    return pid


def _start(
    function: Callable[..., object], arguments: tuple[Any, ...], environment: Environment, output: tuple[Path, Path]
) -> ForkServerProcess:
    environment = {**os.environ, **(environment or {})}
    for path in output:
        path.touch()
    process = _SERVER.Process(target=_child, args=(function, arguments, environment, output), daemon=True)
    # A child would import this process's main script, which may be a page that Streamlit has run in a test before.
    with patch.dict(sys.modules, {"__main__": ModuleType("__main__")}):
        process.start()
    return process


def _child(
    function: Callable[..., object],
    arguments: tuple[Any, ...],
    environment: dict[str, str],
    output: tuple[Path, Path],
) -> None:
    """Take the place of an interpreter that has just been started."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for stream, path in zip((sys.stdout, sys.stderr), output, strict=True):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, stream.fileno())
        os.close(file)
    gc.freeze()  # what the server has loaded is nobody's garbage
    function(*arguments)


def _program(arguments: list[str]) -> None:
    from workbench.cli import main

    sys.argv = ["workbench", *arguments]
    main()


def _job(arguments: list[str]) -> None:
    os.setsid()
    _program(arguments)


def _foreign(code: str, arguments: list[str], folder: Path) -> None:
    assert not [name for name in sys.modules if name.partition(".")[0] == "workbench"]
    sys.modules["workbench"] = None  # type: ignore[assignment] # importing it fails
    os.chdir(folder)
    sys.argv = ["-c", *arguments]
    exec(code, {"__name__": "__main__"})


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
