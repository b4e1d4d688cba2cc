"""Score: asks only for what is missing, and keeps what is finished whatever ends it."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests import children
from tests.steps.classes import QUERIES, Slow, collection, pairs, scored
from workbench.errors import NothingToDo, UnknownName
from workbench.records import STATUSES, Candidate, Failure, Passage, Progress, Qrel, Query, Status, Utility
from workbench.steps.teach.scoring import score as step
from workbench.steps.teach.scoring.score import score
from workbench.store import Store, views
from workbench.store.views import FailureReason
from workbench.teachers import TEACHERS, TeacherKind, teacher

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


def score_until_killed(workspace: Path, asked: int, delay: float) -> None:
    """Score with a teacher that takes its time, commit often, and be killed so many seconds after some pairs."""
    step.COMMIT_ROWS = 6

    class Killed(Slow):
        def utilities(self, groups: Any) -> Any:
            for batch in super().utilities(groups):
                if len(self.asked) == asked:
                    threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
                yield batch

    score(Store(workspace), Killed(pause=0.02))


@pytest.mark.process
@pytest.mark.parametrize("asked", [7, 23, 60])
def test_killed_at_any_moment_it_leaves_a_workspace_that_goes_on_to_the_same_end(
    school: Store, asked: int, moments: random.Random
) -> None:
    child = children.call(score_until_killed, school.path, asked, moments.uniform(0.0, 0.05))
    assert child.wait() == -signal.SIGKILL, child.stderr
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


def test_no_queries_or_no_candidates_say_what_to_do_first(empty: Store) -> None:
    with pytest.raises(NothingToDo, match="workbench ingest"):
        score(empty, Slow())
    empty.add_collection([Query("q", "what?", ("that",), "test")], [Passage("p", "", "that")])
    with pytest.raises(NothingToDo, match="workbench candidates --split test"):
        score(empty, Slow(), "test")
    with pytest.raises(NothingToDo, match=r"No query is of the train split\. Run `workbench ingest qrels FILE`"):
        score(empty, Slow(), "train")
    with pytest.raises(NothingToDo, match=r"No query is of the other split\. There are queries of: test"):
        score(empty, Slow(), "other")
    empty.add_candidates([Candidate("q", "p", "hand")])
    empty.add_collection((), (), [Qrel("q", "p", 1)])
    with pytest.raises(NothingToDo, match=r"No query is of the train split\. Run `workbench ingest beir FOLDER`"):
        score(empty, Slow(), "train")


def add_queries_without_answers(store: Store) -> None:
    store.add_collection([Query("0", "no answer?", (), "dev"), Query("new", "no answer?", (), "new")])
    store.add_candidates(Candidate(query_id, "p0-0", "hand") for query_id in ("0", "new"))


def test_queries_without_answers_are_left_out_and_counted(school: Store) -> None:
    add_queries_without_answers(school)
    progress = list[Progress]()
    done = score(school, teacher("lexical"), "dev", limit=2, listen=progress.append)
    assert (done.queries, done.pairs, done.without_answers, done.failures) == (2, 12, 1, 0)
    assert "queries without a reference answer left out: 1" in progress[0].note
    assert progress[0].done == 0
    assert "queries without a reference answer left out: 1" in done.in_words
    assert views.failures(school, done.teacher) == []
    assert score(school, Slow(), "dev").without_answers == 0, "this teacher reads none"


def test_queries_known_by_id_alone_are_neither_scored_nor_counted(school: Store) -> None:
    school.add_collection([Query("no text", "", ("answer0",), "dev"), Query("nothing", "", (), "dev")])
    done = score(school, teacher("lexical"), "dev")
    assert (done.queries, done.without_answers) == (8, 0)


def test_without_any_answer_nothing_is_written_and_other_ways_are_named(school: Store) -> None:
    add_queries_without_answers(school)
    with pytest.raises(NothingToDo, match="None of the 1 queries has a reference answer") as refused:
        score(school, teacher("lexical"), "new")
    assert "workbench train --teacher qrels" in refused.value.hint
    assert {counts.teacher for counts in views.teachers(school)} == {"toy"}


def test_teachers_that_need_no_answers_are_named(school: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEACHERS, "careless", TeacherKind("the same for all", "a:B", "a:C"))
    add_queries_without_answers(school)
    with pytest.raises(NothingToDo, match=r"Teachers that need none: [\w, ]*careless"):
        score(school, teacher("lexical"), "new")


class Failing(Slow):
    """A teacher that can score nothing."""

    name = "failing:1"

    def utilities(self, groups: Any) -> Any:
        for group in groups:
            yield [
                Failure(group.query.query_id, passage.passage_id, self.name, f"reason {number % 2}")
                for number, passage in enumerate(group.passages)
            ]


def test_failures_are_counted_by_reason_now_and_the_second_time(school: Store) -> None:
    first = score(school, Failing(), "dev")
    assert (first.failures, first.failed) == (48, True)
    reasons = (FailureReason("reason 0", 24, "dev0", "p0-0"), FailureReason("reason 1", 24, "dev0", "p0-1"))
    assert first.reasons == reasons
    assert "reason 0 (24, such as query dev0, passage p0-0)" in first.in_words
    again = score(school, Failing(), "dev")
    assert (again.pairs, again.failed_before, again.failed, again.reasons) == (0, 48, True, reasons)
    assert "no pair is left to score; 0 were scored and 48 failed before" in again.in_words
    frame = wb.failures(school, "failing", "dev")
    assert frame["reason"].value_counts().to_dict() == {"reason 0": 24, "reason 1": 24}
    assert len(wb.failures(school, split="test")) == 0


class Moody(Slow):
    """A teacher that fails, declines or rambles; of what it is asked again, it scores what it declined before."""

    name = "moody:1"
    statuses: tuple[Status, ...] = ("failed", "refused", "unreadable")

    def utilities(self, groups: Any) -> Any:
        for group in groups:
            for number, passage in enumerate(group.passages):
                pair = (group.query.query_id, passage.passage_id)
                self.asked.append(pair)
                status = self.statuses[number % 3]
                yield [Failure(*pair, self.name, "why", status, "" if status == "failed" else f"{status}\nanswer")]


class Willing(Moody):
    """The same teacher on a better day."""

    def utilities(self, groups: Any) -> Any:
        for batch in super().utilities(groups):
            yield [Utility(batch[0].query_id, batch[0].passage_id, self.name, 1.0)]


def test_only_failures_of_the_statuses_to_retry_are_asked_again(school: Store) -> None:
    first = score(school, Moody(), "dev")
    assert (first.pairs, first.failures, first.refused, first.unreadable) == (48, 48, 16, 16)
    assert "16 failed, 16 refused, 16 unreadable" in first.in_words
    assert "unreadable: why (16, such as query dev0, passage p0-2: 'unreadable answer')" in first.in_words
    assert {"refused", "unreadable"} <= set(first.to_frame().columns)
    again = Moody()
    assert score(school, again, "dev").pairs == 0
    willing = Willing()
    done = score(school, willing, "dev", retry=["refused"])
    assert (done.pairs, done.failures, done.scored_before, done.failed_before) == (16, 0, 0, 48)
    assert len(willing.asked) == 16
    assert views.pair_counts(school, Moody.name) == (16, 16, 0, 16)
    assert score(school, Moody(), "dev", retry=["failed", "unreadable"]).pairs == 32
    assert views.pair_counts(school, Moody.name).failures == 32, "they failed again, and are counted once"
    both = score(school, Willing(), retry=STATUSES)
    assert both.pairs == len(ALL) - 16, "what failed, and what nobody asked about yet"
    assert views.pair_counts(school, Moody.name) == (len(ALL), 0, 0, 0)


def test_an_unknown_status_to_retry_is_refused_before_anything_is_asked(school: Store) -> None:
    with pytest.raises(UnknownName, match=r"no status named 'broken'. Known: failed, refused, unreadable"):
        score(school, Slow(), retry=["failed", "broken"])


def test_a_teacher_that_scores_some_has_not_failed(school: Store) -> None:
    assert not score(school, Slow()).failed
    again = score(school, Slow())
    assert not again.failed
    assert (again.scored_before, again.failed_before) == tuple(map(len, expected()))


def test_queries_that_share_candidates_come_together_in_windows_of_whole_queries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watching(Slow):
        def utilities(self, groups: Any) -> Any:
            windows.append([group.query.query_id for group in groups])
            yield from super().utilities(groups)

    windows: list[list[str]] = []
    school = Store(tmp_path / "ws", create=True)
    queries = [Query(name, f"Where is {name}?", ("there",)) for name in "abcdef"]
    passages = [Passage(name, "", f"Passage {name}.") for name in ("odd", "even", *"abcdef")]
    school.add_collection(queries, passages)
    both = [Candidate(name, "odd" if name in "ace" else "even", "bm25") for name in "abcdef"]
    school.add_candidates([*both, *(Candidate(name, name, "bm25") for name in "abcdef")])
    monkeypatch.setattr(step, "WINDOW", 7)
    score(school, Watching())
    assert windows == [["a", "c", "e"], ["b", "d", "f"]]
