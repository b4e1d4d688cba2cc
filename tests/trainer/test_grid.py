"""Grids: which trainings they come to, how they are written, and that all that is wrong is reported at once."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import BadSetting
from workbench.trainer import Grid, TrainSettings, read_values


def test_every_combination_with_every_seed_and_none_twice() -> None:
    grid = Grid({"loss": ["kl", "infonce", "kl"], "steps": [1, 2]}, seeds=[3, 4], usual={"batch_size": 8})
    trainings = [(one.loss, one.steps, one.seed, one.batch_size) for one in grid.settings()]
    assert trainings == [(loss, steps, seed, 8) for loss in ("kl", "infonce") for steps in (1, 2) for seed in (3, 4)]


def test_a_list_of_settings_says_more_than_the_usual_ones() -> None:
    trainings = Grid([{"loss": "kl"}, {"steps": 7, "seed": 1}], usual={"steps": 5}).settings()
    assert trainings == [TrainSettings(loss="kl", steps=5), TrainSettings(steps=7, seed=1)]


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadSetting) as caught:
        Grid({"los": ["kl"], "loss": ["klx", "kl"], "steps": [0, 5], "schedule": [[1]], "seed": [1]}, [1, 2]).settings()
    for words in ("5 reasons", "no setting 'los'", "'klx'", "steps is 0", "schedule", "Seeds are given twice"):
        assert words in caught.value.problem
    assert "teacher_temperature" in caught.value.hint


@pytest.mark.parametrize("over", [{"loss": []}, []])
def test_nothing_to_try_is_said(over: Any) -> None:
    with pytest.raises(BadSetting, match="nothing to try"):
        Grid(over).settings()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("loss=kl, infonce", {"loss": ["kl", "infonce"]}),
        ("teacher-temperature=null,0.5,1e-1", {"teacher_temperature": [None, 0.5, 0.1]}),
        ("loss=utility_infonce + 0.2*infonce(alpha=0.6, beta=1),kl",
         {"loss": ["utility_infonce + 0.2*infonce(alpha=0.6, beta=1)", "kl"]}),
        ('loss="kl",infonce', {"loss": ["kl", "infonce"]}),
    ],
)  # fmt: skip
def test_values_are_parted_at_commas_outside_of_brackets(text: str, values: dict[str, Any]) -> None:
    assert read_values([text]) == values


@pytest.mark.parametrize("text", ["loss", "loss=", "=kl", "loss=kl,,infonce", "loss=f(a,b", "loss=kl)"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadSetting):
        read_values([text])
    with pytest.raises(BadSetting, match="named twice"):
        read_values(["loss=kl", "loss=infonce"])
