"""How far a step is, in words: its rate and the time left follow from its reports alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from tests.shell import worked
from workbench import progress
from workbench.formats.parsing.lines import write_lines
from workbench.progress import (
    NO_PACE,
    Pace,
    ProgressLines,
    Stopwatch,
    duration,
    in_words,
    listening,
    rate_in_words,
    tracked,
)
from workbench.records import Progress
from workbench.store import Store


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def at(done: int, total: int = 1_000, step: str = "score", note: str = "") -> Progress:
    return Progress(step, done, total, "pairs", note)


def test_rate_and_time_left_are_those_since_the_first_report() -> None:
    clock = Clock()
    stopwatch = Stopwatch(clock)
    assert stopwatch.pace(at(200)) == NO_PACE, "what was done before it was watched counts for nothing"
    clock.now += 2
    assert stopwatch.pace(at(400)) == Pace(100.0, 6.0)
    assert stopwatch.pace(at(7, 0, "encode")) == NO_PACE
    clock.now += 2
    assert stopwatch.pace(at(1_000)) == Pace(200.0, None)
    assert stopwatch.pace(at(9, 0, "encode")) == Pace(1.0, None)


def test_a_step_that_starts_anew_is_timed_anew() -> None:
    clock = Clock()
    stopwatch = Stopwatch(clock)
    stopwatch.pace(at(0))
    clock.now += 1_000
    assert stopwatch.pace(at(1_000)).rate == 1.0
    assert stopwatch.pace(at(0)) == NO_PACE
    clock.now += 1
    assert stopwatch.pace(at(50)).rate == 50.0
    assert stopwatch.pace(at(50, 2_000)) == NO_PACE, "another total is another piece of work"


@examples(60)
@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 9)), max_size=9), st.integers(0, 60))
def test_no_report_is_too_odd_to_be_timed(steps: list[tuple[int, float]], total: int) -> None:
    clock = Clock()
    stopwatch, done = Stopwatch(clock), 0
    for more, seconds in steps:
        done, clock.now = done + more, clock.now + seconds
        pace = stopwatch.pace(at(done, total))
        assert in_words(at(done, total), pace)
        assert pace.rate is None or pace.rate > 0
        assert pace.seconds_left is None or pace.seconds_left > 0


def test_the_words_have_counts_rate_and_time_left() -> None:
    line = "12,345 of 163,194 pairs, 2,350 a second, 64 s left; two were left out"
    assert in_words(at(12_345, 163_194, note="two were left out"), Pace(2_350.2, 64.2)) == line
    assert in_words(at(7, 0), NO_PACE) == "7 pairs"
    known = Progress("train", 1, 4, "steps", "", 240.0)
    assert in_words(known, Pace(2.0, 1.5)) == "1 of 4 steps, 2.0 a second, 4 min left", "the step knows better"


@pytest.mark.parametrize(
    ("rate", "words"),
    [(2_350.4, "2,350 a second"), (9.96, "10.0 a second"), (1, "1.0 a second"), (0.5, "30 a minute"),
     (0.05, "3.0 a minute"), (0.01, "36.0 an hour"), (0.0001, "0.4 an hour")],
)  # fmt: skip
def test_slow_rates_are_a_minute_or_an_hour(rate: float, words: str) -> None:
    assert rate_in_words(rate) == words


def test_lengths_of_time_grow_with_the_seconds() -> None:
    assert [duration(seconds) for seconds in (0.4, 89, 90, 5_399, 5_400)] == ["0 s", "89 s", "2 min", "90 min", "1.5 h"]


def test_lines_are_printed_at_the_start_now_and_then_and_at_the_end() -> None:
    printed = list[str]()
    listen = ProgressLines(printed.append, seconds=60)
    for done in (0, 10, 20, 1_000):
        listen(at(done))
    assert len(printed) == 2
    assert printed[0] == "  score: 0 of 1,000 pairs"
    assert printed[1].startswith("  score: 1,000 of 1,000 pairs, ")


def test_what_is_done_in_a_moment_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = list[Progress]()
    with listening(reports.append):
        assert list(tracked(range(3), "measure", "runs")) == [0, 1, 2]
        assert not reports
        monkeypatch.setattr(progress, "QUICK_SECONDS", -1)
        assert list(tracked(range(2), "measure", "runs")) == [0, 1]
    assert reports == [Progress("measure", done, 2, "runs") for done in range(3)]
    assert list(tracked(range(2), "measure", "runs")) == [0, 1]
    assert len(reports) == 3, "nobody listens any more"


@pytest.mark.parametrize(
    ("arguments", "step"),
    [(["diff", "before", "after"], "measure: 2 of 2 runs"), (["diff", "before", "after", "before"], "measure"),
     (["students"], "measure: 2 of 2 runs"), (["agreement", "after"], "compare: 2 of 2 queries"),
     (["export", "utilities", "a.jsonl"], "write: 1 rows; a.jsonl")],
)  # fmt: skip
def test_commands_that_take_long_say_how_far_they_are(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], step: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "QUICK_SECONDS", -1)
    monkeypatch.setattr(progress, "REPORTED_EACH", 1)
    assert step in worked(*arguments, workspace=store.path).err


def test_large_files_that_are_written_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "REPORTED_EACH", 2)
    reports = list[Progress]()
    with listening(reports.append):
        write_lines("abcde", tmp_path / "a.txt")
    assert reports == [Progress("write", number, 0, "lines", "a.txt") for number in (2, 4)]
    assert (tmp_path / "a.txt").read_text().split() == list("abcde")
