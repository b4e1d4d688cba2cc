"""What every command shares: the workspace, its options, and how trouble ends it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rich.text import Text

from workbench import jobs
from workbench.cli import output
from workbench.errors import WorkbenchError
from workbench.store import Store
from workbench.trainer.distributed import is_main

WORKSPACE_VARIABLE = "WORKBENCH_WORKSPACE"
DEFAULT_WORKSPACE = "workspace"
INTERRUPTED = 130  # also what typer makes of a KeyboardInterrupt within a command


def workspace_path(given: Path | None = None) -> Path:
    """Return the workspace's folder: as given, else WORKBENCH_WORKSPACE, else ./workspace."""
    return given or Path(os.environ.get(WORKSPACE_VARIABLE) or DEFAULT_WORKSPACE)


@dataclass
class Session:
    """One call of the program: where it works and, if it is a job, whom it reports to."""

    workspace: Path
    reporter: jobs.Reporter | None = None
    message: str = ""
    stopping: bool = False

    def store(self, *, create: bool = False) -> Store:
        """Open the workspace and say which one it is."""
        store = Store(self.workspace, create=create)
        output.note(f"workspace {store.path}")
        return store

    def stop_softly(self) -> None:
        """Let the first Ctrl-C (or stop of a job) only set `stopping`; the second ends the program."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            if self.stopping:
                raise KeyboardInterrupt
            self.stopping = True
            output.note("stopping after this step; once more to end at once")

        signal.signal(signal.SIGINT, ask)
        signal.signal(signal.SIGTERM, ask)

    def tell(self, result: Any, lines: str, as_json: bool) -> None:
        """Print a result, as JSON or in words; a job keeps the words as its last."""
        self.message = lines
        if as_json:
            output.as_json(result)
        else:
            output.say(lines)


def run(app: Callable[[], Any], session: Session) -> None:
    """Run the program; trouble a person can mend is told in a sentence, with exit code 1."""

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
        app()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except WorkbenchError as trouble:
        output.err.quiet = False  # it may be this process's alone
        code, session.message = 1, str(trouble)
        output.err.print(Text("Error ", "bold red") + output.plain(trouble.problem), soft_wrap=True)
        if trouble.hint:
            output.err.print(output.plain(trouble.hint), soft_wrap=True)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as trouble:
        output.err.quiet = False
        code, session.message = 1, f"{type(trouble).__name__}: {trouble}"
        output.err.print_exception()
    if code == INTERRUPTED and not session.message:
        session.message = "Stopped; what was finished is kept."
        output.note(session.message)
    if session.reporter:
        stopped = code == INTERRUPTED or (code == 0 and session.stopping)
        session.reporter.end("stopped" if stopped else "failed" if code else "done", session.message)
    sys.exit(code)
