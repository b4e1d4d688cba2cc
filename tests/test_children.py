"""Forked children are processes as others are: exit codes, signals, output, sessions, and torch is loaded."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from tests import children
from workbench.store import Store

pytestmark = pytest.mark.process


def _print_and_exit(word: str, code: int) -> None:
    print(word, os.environ.get("WORD"), "torch" in sys.modules, flush=True)
    print(word.upper(), file=sys.stderr)
    sys.exit(code)


def _fail() -> None:
    raise ValueError("a reason")


def _wait() -> None:
    time.sleep(60)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_output_environment_and_exit_code_come_back() -> None:
    child = children.call(_print_and_exit, "hello", 3, environment={"WORD": "x"})
    assert child.wait() == 3
    assert (child.stdout, child.stderr) == ("hello x True\n", "HELLO\n")
    with pytest.raises(AssertionError, match="HELLO"):
        child.checked()


def test_an_error_is_printed_and_a_signal_is_the_exit_code() -> None:
    failed, died, waiting = children.call(_fail), children.call(_die), children.call(_wait)
    assert failed.wait() == 1
    assert "ValueError: a reason" in failed.stderr
    assert died.wait() == -signal.SIGKILL
    assert waiting.poll() is None
    waiting.terminate()
    assert waiting.wait() == -signal.SIGTERM


def test_one_that_does_not_end_is_killed() -> None:
    child = children.call(_wait)
    with pytest.raises(TimeoutError, match=r"more than 0 s"):
        child.wait(0.3)
    assert child.wait() == -signal.SIGKILL


def test_it_is_the_program(store: Store) -> None:
    child = children.workbench("info", workspace=store.path)
    assert "4 passages, 4 queries, 4 qrels" in child.checked()
    assert child.stderr == f"workspace {store.path}\n"
    assert children.workbench("nothing", workspace=store.path).wait() == 2


def test_one_without_the_workbench_has_the_libraries_and_not_us(tmp_path: Path) -> None:
    child = children.without_workbench("import sys, os, torch; print(sys.argv[1], os.getcwd())", 7, folder=tmp_path)
    assert child.checked() == f"7 {tmp_path}\n"
    refused = children.without_workbench("import workbench.store", folder=tmp_path)
    assert refused.wait() == 1
    assert "ModuleNotFoundError" in refused.stderr


def test_the_page_that_streamlit_ran_last_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ModuleType("__main__")
    page.__file__ = str(children.ROOT / "pages" / "overview.py")
    monkeypatch.setitem(sys.modules, "__main__", page)
    assert children.without_workbench("print('free')", folder=tmp_path).checked() == "free\n"
