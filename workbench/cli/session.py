"""What every command shares: the workspace, the job it reports to, and its exit code."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Unpack

from rich.text import Text

from workbench import jobs
from workbench.cli import output
from workbench.commands import line
from workbench.errors import Damaged, WorkbenchError
from workbench.files import write_failure
from workbench.steps.data.next_step import next_command
from workbench.steps.data.workspace_settings import with_settings
from workbench.store import SearchSettings, Store
from workbench.trainer.distributed import is_main

WORKSPACE_VARIABLE = "WORKBENCH_WORKSPACE"
DEFAULT_WORKSPACE = "workspace"
INTERRUPTED = 130  # also what typer makes of a KeyboardInterrupt within a command


def workspace_path(given: Path | None = None) -> Path:
    """Return the workspace's folder: as given, else WORKBENCH_WORKSPACE, else ./workspace."""
    return given or Path(os.environ.get(WORKSPACE_VARIABLE) or DEFAULT_WORKSPACE)


@dataclass
class Session:
    """One call of the program: its workspace and, if it runs as a job, the reporter of that job."""

    workspace: Path
    reporter: jobs.Reporter | None = None
    message: str = ""
    stopping: bool = False

    def store(self, *, create: bool = False, **settings: Unpack[SearchSettings]) -> Store:
        """Open the workspace, to be measured by `settings` in place of its own, and print which one it is."""
        store = Store(self.workspace, create=create)
        output.note(f"workspace {store.path}")
        return with_settings(store, **settings)

    def stop_softly(self) -> None:
        """Let the first Ctrl-C (or stop of a job) only set `stopping`; the second ends the program."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            if self.stopping:
                raise KeyboardInterrupt
            self.stopping = True
            output.note("stopping after this step; once more to end at once")

        signal.signal(signal.SIGINT, ask)
        signal.signal(signal.SIGTERM, ask)

    def suggest_next(self, store: Store) -> None:
        """Print the command that takes the workspace on."""
        arguments = next_command(store)
        if self.workspace != workspace_path():
            arguments = ["--workspace", str(self.workspace), *arguments]
        output.note(f"Next: {line(arguments)}")

    def finish(self, result: Any, message: str, as_json: bool) -> None:
        """Print a result, as JSON or as a message; a job ends with the message."""
        self.message = message
        if as_json:
            output.as_json(result)
        else:
            output.line(message)


def _noted(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """Print a warning: one of ours as a remark, a library's as Python does."""
    if issubclass(category, Damaged):
        output.note(f"Warning: {message}")
    elif not output.err.quiet:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def _print_error(error: Exception, workspace: Path) -> str:
    """Print an error, one that a user can act on as a sentence, and return it in words."""
    known = error if isinstance(error, WorkbenchError) else write_failure(error, workspace)
    if known is None:
        output.err.print_exception()
        return f"{type(error).__name__}: {error}"
    output.err.print(Text("Error ", "bold red") + output.plain(known.problem), soft_wrap=True)
    if known.hint:
        output.err.print(output.plain(known.hint), soft_wrap=True)
    return str(known)


def run(app: Callable[[], Any], session: Session) -> None:
    """Run the program and exit; an error that a user can act on is printed as a sentence, with exit code 1."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # A job stops by SIGTERM; and a shell that started us in the background may have set SIGINT to be ignored.
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    if is_main():
        session.reporter = jobs.reporter()
    else:
        output.silence()
    code = 0
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _noted
            app()
    except SystemExit as exiting:
        code = exiting.code if isinstance(exiting.code, int) else 1
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        output.err.quiet = False  # it may be this process's alone
        code, session.message = 1, _print_error(error, session.workspace)
    if code == INTERRUPTED and not session.message:
        session.message = "Stopped; what was finished is kept."
        output.note(session.message)
    if session.reporter:
        stopped = code == INTERRUPTED or (code == 0 and session.stopping)
        session.reporter.end("stopped" if stopped else "failed" if code else "done", session.message)
    sys.exit(code)
