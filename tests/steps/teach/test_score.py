"""Score: asks only for what is missing, and keeps what is finished whatever ends it."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests import children
from tests.steps.classes import QUERIES, Slow, collection, pairs, scored
from workbench.errors import NothingToDo
from workbench.records import Failure, Progress, Utility
from workbench.steps.teach import score as step
from workbench.steps.teach.score import score
from workbench.store import Store, views
from workbench.teachers import teacher

ALL = sorted((query.query_id, passage) for query, passage, _ in pairs())


@pytest.fixture
def school(tmp_path: Path) -> Store:
    return collection(tmp_path / "ws")


def rows_of(store: Store) -> tuple[list[Any], list[Any]]:
    return sorted(views.utilities(store, Slow.name)), sorted(views.failures(store, Slow.name))


def expected() -> tuple[list[Any], list[Any]]:
    """Return what the slow teacher says of every pair."""
    rows = [scored(*pair) for pair in ALL]
    return sorted(row for row in rows if isinstance(row, Utility)), sorted(r for r in rows if isinstance(r, Failure))


def test_every_candidate_is_scored_once_and_failures_are_kept_apart(school: Store) -> None:
    slow, progress = Slow(), list[Progress]()
    done = score(school, slow, listen=progress.append)
    assert sorted(slow.asked) == ALL
    assert rows_of(school) == expected()
    assert (done.pairs, done.failures, done.remaining) == (len(ALL), len(expected()[1]), 0)
    assert (done.queries, done.interrupted) == (len(QUERIES), False)
    assert done.failures > 0
    assert (progress[-1].done, progress[-1].total) == (len(ALL), len(ALL))


def test_only_what_is_missing_is_asked(school: Store) -> None:
    score(school, Slow(), split="dev")
    again = Slow()
    assert score(school, again, split="dev").pairs == 0
    assert again.asked == []
    rest = Slow()
    score(school, rest)
    assert sorted(rest.asked) == [pair for pair in ALL if not pair[0].startswith("dev")]
    assert rows_of(school) == expected()


def test_a_limit_counts_queries_and_asks_nothing_twice(school: Store) -> None:
    first, again = Slow(), Slow()
    assert score(school, first, split="train", limit=2).queries == 2
    assert {query_id for query_id, _ in first.asked} == {"train0", "train1"}
    score(school, again, split="train", limit=2)
    assert again.asked == []


def test_a_passage_that_is_added_later_is_all_that_is_asked(school: Store) -> None:
    from workbench.records import Candidate, Passage

    score(school, Slow())
    school.add_collection((), [Passage("new", "", "the of new")])
    school.add_candidates([Candidate("dev1", "new", "hand")])
    again = Slow()
    score(school, again)
    assert again.asked == [("dev1", "new")]


@pytest.mark.parametrize("rows", [12, 1000])
def test_ctrl_c_loses_no_finished_batch_and_the_next_call_finishes(
    school: Store, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(step, "COMMIT_ROWS", rows)
    first = Slow(interrupt_after=50)
    stopped = score(school, first)
    assert (stopped.interrupted, stopped.pairs, stopped.remaining) == (True, 50, len(ALL) - 50)
    assert sum(map(len, rows_of(school))) == 50
    second = Slow()
    assert score(school, second).remaining == 0
    assert sorted(first.asked + second.asked) == ALL
    assert rows_of(school) == expected()


def test_a_teacher_that_breaks_down_loses_no_finished_batch(school: Store) -> None:
    class Broken(Slow):
        def utilities(self, groups: Any) -> Any:
            for number, batch in enumerate(super().utilities(groups)):
                if number == 20:
                    raise RuntimeError("out of memory")
                yield batch

    with pytest.raises(RuntimeError, match="out of memory"):
        score(school, Broken())
    assert sum(map(len, rows_of(school))) == 20


def score_slowly(workspace: Path) -> None:
    """Score with a teacher that takes its time, and commit often."""
    step.COMMIT_ROWS = 6
    score(Store(workspace), Slow(pause=0.02))


@pytest.mark.process
@pytest.mark.parametrize("after", [0.0, 0.15, 0.4])
def test_killed_at_any_moment_it_leaves_a_workspace_that_goes_on_to_the_same_end(school: Store, after: float) -> None:
    child = children.call(score_slowly, school.path)
    deadline = time.monotonic() + 60
    while not any(rows_of(school)):
        assert child.poll() is None, child.stderr
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(after)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    finished = sum(map(len, rows_of(school)))
    assert 0 < finished < len(ALL)
    assert finished % 6 == 0
    rest = Slow()
    done = score(Store(school.path), rest)
    assert len(rest.asked) == done.pairs == len(ALL) - finished
    assert rows_of(school) == expected()


def test_two_teachers_do_not_mix(school: Store) -> None:
    done = score(school, teacher("lexical"), split="test")
    assert done.teacher.startswith("lexical:")
    assert {counts.teacher for counts in views.teachers(school)} == {"toy", done.teacher}
    assert views.teacher_unit(school, done.teacher) == "nats per token"
    other = score(school, teacher("lexical", smoothing=0.25, normalisation="sum"), split="test")
    assert views.teacher_unit(school, other.teacher) == "nats"
    assert other.teacher != done.teacher
    assert other.pairs == done.pairs == 48


def test_no_candidates_say_what_to_do_first(empty: Store) -> None:
    with pytest.raises(NothingToDo, match="workbench candidates"):
        score(empty, Slow())
