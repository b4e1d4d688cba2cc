"""Faults of the machine beside those of tests/test_full_disk.py: what vanishes, and a clock that is set back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import utility
from tests.shell import shell
from tests.steps.classes import QUERIES, base, collection
from tests.steps.teach.quick import QUICK
from workbench.errors import NothingToDo, WorkbenchError
from workbench.records import Passage
from workbench.steps.annotate import annotate as step
from workbench.steps.annotate.annotate import annotate
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.train import train
from workbench.store import Store, views

WRITES: tuple[Callable[[Store], object], ...] = (
    lambda store: store.add_collection((), [Passage("new", "", "x")]),
    lambda store: store.add_scored([utility("q1", "p/1", 1.0)]),
    lambda store: annotate(store, "q1", "p/1", "useful", "ada"),
    views.counts,
    Store.revision,
)


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("whole", [True, False])
def test_a_workspace_that_vanishes_is_named_and_not_made_anew(
    store: Store, call: Callable[[Store], object], whole: bool
) -> None:
    if whole:
        shutil.rmtree(store.path)
    else:
        store.database.unlink()
    with pytest.raises(NothingToDo, match="There is no workspace in"):
        call(store)
    assert not store.database.exists()


@pytest.mark.parametrize("command", [("info",), ("evaluate", "bm25"), ("doctor",), ("students",), ("agreement",)])
def test_the_shell_says_so_without_a_traceback(store: Store, command: tuple[str, ...]) -> None:
    shutil.rmtree(store.path)
    printed = shell(*command, workspace=store.path)
    assert (printed.code, "Traceback" in printed.err) == (1, False)
    assert "There is no workspace in" in printed.err


@pytest.mark.slow
def test_what_is_derived_is_made_anew_after_it_vanished(tmp_path: Path) -> None:
    store, untrained = collection(tmp_path / "ws"), base(tmp_path / "untrained")
    before = evaluate(store, untrained, "test").measures
    for name in ("vectors", "jobs", "exports", "locks", "kept"):
        shutil.rmtree(store.path / name, ignore_errors=True)
    assert evaluate(store, untrained, "test").measures == before
    result = train(store, plan(store, untrained, "toy", QUICK))
    shutil.rmtree(result.path)
    with pytest.raises(WorkbenchError, match=result.student):
        evaluate(store, result.student, "dev")
    assert len(views.queries(store)) == len(QUERIES)


def test_a_clock_that_is_set_back_changes_no_verdict(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Back(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=3_000)

    annotate(store, "q1", "p/1", "useful", "ada")
    monkeypatch.setattr(step, "datetime", Back)
    annotate(store, "q1", "p/1", "harmful", "ada")
    (last,) = views.verdicts(store, latest=True)
    assert (last.verdict, last.created.year) == ("harmful", 2017)
