"""Streamlit with two seconds more for every rerun, whole or of a fragment; started as Streamlit is."""

from __future__ import annotations

import time
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.web.cli import main

SECONDS = 2.0
_run_script = ScriptRunner._run_script


def _slowly(self: ScriptRunner, *arguments: Any, **named: Any) -> Any:
    time.sleep(SECONDS)
    return _run_script(self, *arguments, **named)


if __name__ == "__main__":
    ScriptRunner._run_script = _slowly  # type: ignore[method-assign]
    main()
