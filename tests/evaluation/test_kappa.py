"""Agreement beyond chance, against examples from the literature worked through by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.evaluation.kappa import cohen_kappa, krippendorff_alpha

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C: four observers, twelve units, `.` missing.
OBSERVERS = ("12332141 2...", "12332241 25.3", ".3332342 251.", "12332441 251.")
UNITS = [
    [int(value) for value in values if value != "."]
    for values in zip(*(observer.replace(" ", "") for observer in OBSERVERS), strict=True)
]


def rated(*counts: tuple[str, str, int]) -> tuple[dict[int, str], dict[int, str]]:
    """Return two annotators' verdicts from a table of how often they said what together."""
    said = [(one, other) for one, other, number in counts for _ in range(number)]
    return {at: one for at, (one, _) in enumerate(said)}, {at: other for at, (_, other) in enumerate(said)}


def test_kappa_of_fifty_pairs_counted_by_hand() -> None:
    # 20 + 15 of 50 alike: 0.7. By chance 25/50 * 30/50 + 25/50 * 20/50 = 0.5. (0.7 - 0.5) / (1 - 0.5) = 0.4.
    one, other = rated(("yes", "yes", 20), ("yes", "no", 5), ("no", "yes", 10), ("no", "no", 15))
    assert cohen_kappa(one, other) == (pytest.approx(0.4), 50)


def test_kappa_is_about_the_units_that_both_judged() -> None:
    one, other = rated(("yes", "yes", 20), ("yes", "no", 5), ("no", "yes", 10), ("no", "no", 15))
    assert cohen_kappa({**one, 98: "yes"}, {**other, 99: "no"}) == cohen_kappa(one, other)
    assert cohen_kappa({1: "yes"}, {2: "yes"}) == (None, 0)
    assert cohen_kappa({1: "yes", 2: "yes"}, {1: "yes", 2: "yes"}) == (None, 2)


def test_alpha_of_krippendorffs_own_example() -> None:
    nominal, units = krippendorff_alpha(UNITS, range(1, 6))
    ordinal, _ = krippendorff_alpha(UNITS, range(1, 6), "ordinal")
    assert (nominal, ordinal, units) == (pytest.approx(0.743, abs=5e-4), pytest.approx(0.815, abs=5e-4), 11)


def test_alpha_of_two_observers_without_missing_data() -> None:
    # Krippendorff (2011), section A: 14 zeros and 6 ones, 4 units that differ: 1 - (20 - 1) * 4 / (14 * 6) = 0.095.
    one, other = (0, 1, 0, 0, 0, 0, 0, 0, 1, 0), (1, 1, 1, 0, 0, 1, 0, 0, 0, 0)
    alpha, units = krippendorff_alpha(list(zip(one, other, strict=True)), (0, 1))
    assert (alpha, units) == (pytest.approx(0.095, abs=5e-4), 10)


def test_alpha_is_undefined_where_nothing_could_differ() -> None:
    assert krippendorff_alpha([["useful", "useful"]], ("useless", "useful")) == (None, 1)
    assert krippendorff_alpha([["useful"], []], ("useless", "useful")) == (None, 0)


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=12), st.sampled_from(["nominal", "ordinal"])
)
def test_alpha_is_at_most_1_and_1_only_without_disagreement(units: list[list[int]], level: str) -> None:
    alpha, compared = krippendorff_alpha(units, range(4), level)  # type: ignore[arg-type]
    assert compared == sum(len(unit) > 1 for unit in units)
    if alpha is not None:
        assert alpha <= 1 + 1e-12
        assert (alpha == pytest.approx(1)) == all(len(set(unit)) <= 1 for unit in units if len(unit) > 1)


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=4), min_size=2, max_size=12))
def test_alpha_knows_no_order_of_annotators_and_two_values_have_no_order(units: list[list[int]]) -> None:
    turned = [unit[::-1] for unit in units]
    assert krippendorff_alpha(turned, range(4)) == krippendorff_alpha(units, range(4))
    two = [[value > 1 for value in unit] for unit in units]
    nominal, ordinal = (krippendorff_alpha(two, (False, True), level)[0] for level in ("nominal", "ordinal"))
    assert nominal == (None if ordinal is None else pytest.approx(ordinal))
