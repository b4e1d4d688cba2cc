"""`workbench ARGUMENTS`, called in this process."""

from __future__ import annotations

import io
import json
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from workbench.cli import main


class Printed(NamedTuple):
    """What a call printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def shell(*arguments: object, workspace: Path | str | None = None) -> Printed:
    """Call the program; the signal handlers that it sets are removed again."""
    options = ["--workspace", str(workspace)] if workspace else []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        patch.object(sys, "argv", ["workbench", *options, *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return Printed(code, out.getvalue(), err.getvalue())


def worked(*arguments: object, workspace: Path | str | None = None) -> Printed:
    """Call the program, which must succeed."""
    printed = shell(*arguments, workspace=workspace)
    assert printed.code == 0, printed
    return printed
