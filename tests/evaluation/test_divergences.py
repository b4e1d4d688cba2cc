"""Divergences of softmaxes: golden values, and scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr, softmax

from tests.profiles import examples
from workbench.errors import BadSetting
from workbench.evaluation.divergences import jensen_shannon, kl, probabilities, standardised

full = st.lists(st.integers(0, 4).map(float), min_size=7, max_size=7).map(
    lambda v: list(zip("abcdefg", v, strict=True))
)

TEACHER = list(zip("abcd", (2.0, 1.0, 0.0, -1.0), strict=True))
STUDENT = list(zip("abcd", (0.9, 0.2, 0.5, -0.3), strict=True))


def test_the_golden_values_of_four_candidates() -> None:
    assert kl(TEACHER, STUDENT) == pytest.approx(0.195058, abs=1e-6)
    assert jensen_shannon(TEACHER, STUDENT) == pytest.approx(0.053320, abs=1e-6)
    assert probabilities([2, 1, 0, -1], 1.0) == pytest.approx([0.643914, 0.236883, 0.087144, 0.032059], abs=1e-6)


@examples(60)
@given(full, full, st.floats(0.05, 5), st.floats(0.05, 5))
def test_each_side_has_its_own_temperature(first: list, second: list, one: float, other: float) -> None:
    p = softmax(np.array([value for _, value in first]) / one)
    q = softmax(np.array([value for _, value in second]) / other)
    assert kl(first, second, one, other) == pytest.approx(rel_entr(p, q).sum(), rel=1e-6, abs=1e-8)
    found = jensen_shannon(first, second, one, other)
    assert found == pytest.approx(jensenshannon(p, q) ** 2, rel=1e-5, abs=1e-8)
    assert found == pytest.approx(jensen_shannon(second, first, other, one), abs=1e-12)
    assert 0 <= found <= np.log(2) + 1e-12


@examples(60)
@given(full, full, st.floats(0.1, 5), st.floats(-5, 5))
def test_kl_is_scipys_and_does_not_see_a_shift(first: list, second: list, temperature: float, shift: float) -> None:
    p, q = (softmax(np.array([value for _, value in side]) / temperature) for side in (first, second))
    assert kl(first, second, temperature) == pytest.approx(rel_entr(p, q).sum(), abs=1e-8)
    moved = [(name, value + shift) for name, value in second]
    assert kl(first, moved, temperature) == pytest.approx(kl(first, second, temperature), abs=1e-8)


def test_kl_looks_at_what_both_hold_and_makes_nothing_up() -> None:
    assert kl([("a", 1.0), ("b", 0.0)], [("a", 1.0), ("c", 0.0)]) is None
    assert kl([], []) is None
    assert standardised([("a", 3.0), ("b", 1.0)]) == [("a", 1.0), ("b", -1.0)]
    assert standardised([("a", 3.0)]) == [("a", 0.0)]


def test_a_temperature_that_cannot_work_is_refused() -> None:
    for at in ((0.0,), (1.0, -1.0), (float("nan"),)):
        with pytest.raises(BadSetting, match="temperature"):
            kl(TEACHER, STUDENT, *at)
