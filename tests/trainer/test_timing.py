"""Timing: what steps and evaluations take, and how far a time reaches."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.trainer.toy import QUICK, trained
from workbench.records import Progress
from workbench.trainer.timing import Timing, TimingRecorder


def test_a_time_counts_the_evaluations_among_the_steps_and_after_the_last() -> None:
    timing = Timing(step=2.0, evaluation=10.0)
    assert timing.seconds(100, 50) == 100 * 2 + 2 * 10
    assert timing.seconds(101, 50) == 101 * 2 + 3 * 10
    assert timing.steps(221, 50) == 100
    assert timing.steps(-5, 50) == 0
    assert Timing(0.0, 0.0).steps(60, 1) > 0


def test_a_stopwatch_has_the_means_and_nothing_of_what_never_was() -> None:
    watch = TimingRecorder()
    assert watch.timing == Timing(0.0, 0.0)
    for seconds in (1.0, 3.0):
        watch.add_step(seconds)
    watch.add_evaluation(7.0)
    assert watch.timing == Timing(2.0, 7.0)


def test_a_training_says_what_a_step_takes_and_how_long_it_will_last(tmp_path) -> None:
    reports = []
    trained(tmp_path, replace(QUICK, steps=12, evaluate_every=4), listen=reports.append)
    assert all("a step, " in at.note and "an evaluation" in at.note for at in reports)
    assert all(at.seconds_left > 0 for at in reports[:-1])
    assert reports[-1].seconds_left is None
    assert not any("minutes reach" in at.note for at in reports)


def test_a_training_says_how_far_its_minutes_reach(tmp_path: Path) -> None:
    reports: list[Progress] = []

    def first(progress: Progress) -> None:
        reports.append(progress)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, replace(QUICK, steps=1_000_000, minutes=30.0), listen=first)
    assert "30 minutes reach step" in reports[0].note
    assert 0 < reports[0].seconds_left <= 1800
