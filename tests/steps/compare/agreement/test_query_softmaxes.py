"""One query's softmaxes: those of a plain computation, at the training's temperatures, with the loss's own gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import workbench as wb
from tests.ui.pages import trained_student
from workbench.errors import NothingToDo
from workbench.losses import LOSSES
from workbench.steps.compare.agreement import query_softmaxes as step
from workbench.store import Store

UTILITIES = {"p/1": 2.0, "03": 0.0, "p 2": -0.5, "ü": -1.0}
SIMILARITIES = {"p/1": 0.875, "p 2": 0.75, "ü": 0.625, "03": 0.5}


def softmax(values: dict[str, float], temperature: float) -> dict[str, float]:
    weights = {name: np.exp(value / temperature) for name, value in values.items()}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


def test_probabilities_and_divergence_are_those_of_a_plain_computation(store: Store) -> None:
    at = wb.AgreementSettings(0.7, 0.2)
    result = wb.query_softmaxes(store, "q1", "after", "toy", before="before", settings=at)
    p, q = softmax(UTILITIES, 0.7), softmax(SIMILARITIES, 0.2)
    assert [one.passage_id for one in result.passages] == list(UTILITIES), "the most useful first"
    for one in result.passages:
        assert (one.teacher, one.student) == (pytest.approx(p[one.passage_id]), pytest.approx(q[one.passage_id]))
        assert one.pull == pytest.approx(p[one.passage_id] - q[one.passage_id])
    assert result.kl == pytest.approx(sum(p[name] * np.log(p[name] / q[name]) for name in p))
    assert sum(one.before or 0 for one in result.passages) == pytest.approx(1)
    assert result.kl_before and result.kl_before > result.kl
    assert "utility_infonce would pull" in result.in_words
    assert len(result.to_frame()) == 4


def test_temperatures_and_loss_are_those_of_the_training_by_this_teacher(store: Store) -> None:
    usual = wb.query_softmaxes(store, "q1", "after", "toy")
    assert (usual.loss, usual.temperatures.source) == ("utility_infonce", "median spread on the test split")
    trained_student(store, "after", 1, 0.7, loss="kl")
    recipe = store.students / "after" / "student.json"
    recipe.write_text(recipe.read_text().replace('"seed": 1}', '"seed": 1, "teacher_temperature": 0.3}'))
    result = wb.query_softmaxes(store, "q1", "after", "toy")
    assert (result.loss, result.temperatures.teacher, result.temperatures.source) == ("kl", 0.3, "as in training")


@pytest.mark.parametrize("name", LOSSES)
def test_the_pull_is_the_negative_gradient_of_every_loss(name: str) -> None:
    """By differences of the loss itself; a step up where it pulls up makes the loss smaller."""
    similarities, utilities, at = [0.61, 0.42, 0.37, 0.05], [0.2, 1.5, -0.3, 0.9], wb.Temperatures(0.8, 0.1)
    pulls = step._pulls(name, similarities, utilities, at)

    def value(shifted: list[float]) -> float:
        torch.manual_seed(0)
        temperatures = {"teacher_temperature": at.teacher, "student_temperature": at.student}
        return float(LOSSES[name].formula(torch.tensor([shifted]), torch.tensor([utilities]), None, **temperatures))

    if name == "policy_gradient":
        return  # its value is a sample, and its gradient an estimate of another one's
    for place, pull in enumerate(pulls):
        step_up, step_down = (
            [one + sign * 1e-3 * (at_ == place) for at_, one in enumerate(similarities)] for sign in (1, -1)
        )
        expected = -(value(step_up) - value(step_down)) / 2e-3 * at.student
        assert pull == pytest.approx(expected, abs=0.02 * max(1, *map(abs, pulls))), place


def test_a_query_that_the_teacher_or_the_student_does_not_know_says_so(store: Store) -> None:
    with pytest.raises(NothingToDo, match="no run of 'after' on the train split"):
        wb.query_softmaxes(store, "007", "after", "toy")
    with store.write() as connection:
        connection.execute("delete from utilities where query_id = 'q1'")
    with pytest.raises(NothingToDo, match="toy has scored no passage of query q1 that after ranks"):
        wb.query_softmaxes(store, "q1", "after", "toy")
