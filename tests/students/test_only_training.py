"""One training a name: a second process waits for the first, and says so, or ends if it is asked to."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from workbench.errors import Conflict
from workbench.records import Progress
from workbench.students import only_training as module
from workbench.students.only_training import only_training


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "PAUSE", 0.05)
    return tmp_path / "students" / ".training-mine"


def test_the_second_waits_until_the_first_has_ended(work: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        def listen(at: Progress) -> None:
            assert "in the hands of another process" in at.note
            waiting.set()

        with only_training(work, listen, lambda: False):
            order.append("second")

    thread = threading.Thread(target=second, daemon=True)
    with only_training(work, lambda _: None, lambda: False):
        thread.start()
        assert waiting.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_one_who_waits_can_be_stopped(work: Path) -> None:
    heard: list[Progress] = []
    with only_training(work, heard.append, lambda: True):
        assert heard == []
        with pytest.raises(Conflict, match="Another process trains"), only_training(work, heard.append, lambda: True):
            pass
    assert [at.step for at in heard] == ["wait"]


def test_an_error_gives_the_turn_away(work: Path) -> None:
    with pytest.raises(ZeroDivisionError), only_training(work, lambda _: None, lambda: True):
        raise ZeroDivisionError
    with only_training(work, lambda _: None, lambda: True):
        pass
