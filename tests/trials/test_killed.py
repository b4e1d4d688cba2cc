"""A verb is killed at a random moment and called again: the workspace is as if it had never been disturbed."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests import children
from tests.steps.classes import base
from tests.trials.verbs import BEGUN, VERBS, call, contents, workspace
from workbench.files import DRAFTS
from workbench.store import Store

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> str:
    return base(tmp_path_factory.mktemp("models") / "untrained")


@pytest.fixture(scope="module")
def undisturbed(untrained: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, dict[str, Any]]]:
    """Return what each verb leaves where nothing happens, and the seconds that it took, as they are asked for."""

    class Outcomes(dict[str, tuple[float, dict[str, Any]]]):
        def __missing__(self, verb: str) -> tuple[float, dict[str, Any]]:
            store = workspace(tmp_path_factory.mktemp(verb))
            began = time.monotonic()
            VERBS[verb](store, untrained)
            self[verb] = time.monotonic() - began, contents(store)
            return self[verb]

    return Outcomes()


def killed(store: Store, verb: str, untrained: str, seconds: float) -> bool:
    """Call a verb in a process that is killed so many seconds after it has begun; return whether it was at work."""
    child = children.call(call, verb, store.path, untrained)
    deadline = time.monotonic() + 120
    while BEGUN not in child.stdout:
        assert child.poll() is None, child.stderr
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(seconds)
    child.kill()
    code = child.wait()
    assert code in (0, -signal.SIGKILL), child.stderr
    return code != 0


@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_a_random_moment_and_called_again_it_comes_to_the_same_end(
    verb: str, tmp_path: Path, untrained: str, undisturbed: dict[str, tuple[float, dict[str, Any]]], moments: Random
) -> None:
    seconds, expected = undisturbed[verb]
    store, after = workspace(tmp_path), []
    for _ in range(2):  # the second one meets what the first has left behind
        after.append(moments.uniform(0.0, 1.2 * seconds))
        killed(store, verb, untrained, after[-1])
    VERBS[verb](store, untrained)
    held = contents(store)
    left = held.pop("left behind"), expected["left behind"]
    assert held == {name: rows for name, rows in expected.items() if name != "left behind"}, f"killed after {after} s"
    assert all(DRAFTS in name for name in left[0]), f"killed after {after} s"
