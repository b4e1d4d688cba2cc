"""Agreement of teacher and student on one query: golden values, bounds, and nothing made up."""

from __future__ import annotations

from math import log
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from workbench.errors import BadSetting
from workbench.evaluation import divergences, pools, rank_correlation
from workbench.evaluation.teacher_agreement import TEACHER_AGREEMENTS, Temperatures, agreements, agreements_of

ONE = Temperatures(1.0, 1.0)
UTILITIES = {"a": 2.0, "b": 1.0, "c": 0.0, "d": -1.0}
SIMILARITIES = [("a", 0.9), ("c", 0.5), ("b", 0.2), ("d", -0.3)]

values = st.lists(st.floats(-3, 3), min_size=2, max_size=8)


def ordered(similarities: list[float]) -> list[tuple[str, float]]:
    named = [(f"p{place}", value) for place, value in enumerate(similarities)]
    return sorted(named, key=lambda pair: -pair[1])


def test_the_golden_values_of_four_candidates() -> None:
    found = agreements(UTILITIES, SIMILARITIES, ONE)
    assert found["KL"] == pytest.approx(0.195058, abs=1e-6)
    assert found["JS"] == pytest.approx(0.053320, abs=1e-6)
    assert found["Kendall"] == pytest.approx(0.666667, abs=1e-6)
    assert found["Spearman"] == pytest.approx(0.8)
    # c moved from third to second: its one neighbour above is right, b's two are a (right) and c (wrong).
    assert found["tauAP"] == pytest.approx(2 / 3 * (1 + 1 / 2 + 1) - 1)
    assert (found["top-1"], found["regret"]) == (1.0, 0.0)


def test_a_student_that_swaps_the_first_two_loses_what_lies_between_them() -> None:
    swapped = [("b", 0.9), ("a", 0.8), ("c", 0.5), ("d", 0.1)]
    found = agreements(UTILITIES, swapped, ONE)
    assert (found["top-1"], found["regret"]) == (0.0, 1.0)
    assert found["RBO"] == pytest.approx(0.9)


def test_a_first_passage_as_useful_as_the_best_is_the_best() -> None:
    found = agreements({"a": 1.0, "b": 1.0, "c": 0.0}, [("b", 0.9), ("c", 0.5), ("a", 0.1)], ONE)
    assert (found["top-1"], found["regret"]) == (1.0, 0.0)


@examples(100)
@given(values, st.randoms(use_true_random=False))
def test_every_kind_keeps_its_bounds(utilities: list[float], random: object) -> None:
    shuffled = list(utilities)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    taught = {f"p{place}": value for place, value in enumerate(utilities)}
    found = agreements(taught, ordered(shuffled), Temperatures(0.7, 0.3))
    if len(set(utilities)) < 2:
        assert set(found.values()) == {None}
        return
    bounds = {"KL": (0, float("inf")), "JS": (0, log(2)), "top-1": (0, 1), "RBO": (0, 1), "regret": (0, 6)}
    for kind, value in found.items():
        low, high = bounds.get(kind, (-1, 1))
        assert value is not None and low - 1e-9 <= value <= high + 1e-9, kind


@examples(60)
@given(st.lists(st.integers(-30, 30), min_size=2, max_size=8, unique=True))
def test_the_teacher_agrees_wholly_with_itself(utilities: list[int]) -> None:
    taught = {f"p{place}": float(value) for place, value in enumerate(utilities)}
    found = agreements(taught, ordered([float(value) for value in utilities]), ONE)
    for kind, value in found.items():
        assert value == pytest.approx(float(TEACHER_AGREEMENTS[kind].higher_is_closer), abs=1e-9), kind


def test_what_was_not_said_is_not_made_up() -> None:
    with pytest.raises(ValueError, match="same passages"):
        agreements(UTILITIES, SIMILARITIES[:3], ONE)
    assert set(agreements({"a": 1.0}, [("a", 0.5)], ONE).values()) == {None}
    assert set(agreements({"a": 1.0, "b": 1.0}, [("a", 0.5), ("b", 0.1)], ONE).values()) == {None}
    flat = agreements({"a": 1.0, "b": 0.0}, [("a", 0.5), ("b", 0.5)], ONE)
    assert flat["Kendall"] is None
    assert flat["Spearman"] is None
    assert flat["KL"] is not None


@pytest.mark.parametrize("at", [(0.0, 1.0), (1.0, -1.0), (float("nan"), 1.0), (1.0, float("inf"))])
def test_temperatures_that_cannot_work_are_refused(at: tuple[float, float]) -> None:
    with pytest.raises(BadSetting, match="temperature"):
        Temperatures(*at)


def plain(utilities: dict[str, float], ranked: list[tuple[str, float]], at: Temperatures) -> dict[str, float | None]:
    """Return the measures of one query by the functions for two rankings."""
    best = sorted(utilities.items(), key=lambda pair: (-pair[1], pair[0]))
    lost = best[0][1] - utilities[ranked[0][0]]
    return {
        "KL": divergences.kl(best, ranked, at.teacher, at.student),
        "JS": divergences.jensen_shannon(best, ranked, at.teacher, at.student),
        "Spearman": rank_correlation.spearman(best, ranked),
        "Kendall": rank_correlation.kendall(best, ranked),
        "tauAP": rank_correlation.tau_ap(best, ranked),
        "RBO": rank_correlation.rbo([name for name, _ in best], [name for name, _ in ranked]),
        "top-1": float(lost == 0),
        "regret": lost,
    }


tying = st.integers(-3, 3).map(float)


@examples(100)
@given(st.lists(st.lists(st.tuples(tying, tying), max_size=9), min_size=1, max_size=7), st.integers(1, 200))
def test_many_queries_at_once_have_the_values_of_each_alone(
    queries: list[list[tuple[float, float]]], cells: int
) -> None:
    """Ties on either side, queries of different sizes or none, and however many are compared at once."""
    at = Temperatures(0.7, 0.3)
    utilities = [{f"p{place}": utility for place, (utility, _) in enumerate(query)} for query in queries]
    ranked = [ordered([similarity for _, similarity in query]) for query in queries]
    with mock.patch.object(pools, "PAIR_CELLS", cells):
        together = agreements_of(utilities, ranked, at)
    for of_teacher, of_student, values in zip(utilities, ranked, together, strict=True):
        expected = plain(of_teacher, of_student, at) if len(set(of_teacher.values())) > 1 else dict.fromkeys(values)
        assert values == {name: value if value is None else pytest.approx(value, abs=1e-9)
                          for name, value in expected.items()}  # fmt: skip
