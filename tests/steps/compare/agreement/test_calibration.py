"""Reliability curves: equal counts, equal predictions together, errors that a hand can add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.evaluation.teacher_agreement import Temperatures
from workbench.records import Qrel
from workbench.steps.compare.agreement import calibration
from workbench.steps.compare.agreement.calibration import Observed, Points, ReliabilityCurve, curves, reliability_of
from workbench.steps.compare.run_measures import Judgements
from workbench.store import WorkspaceSettings


def drawn(predicted: list[float], observed: list[float], bins: int = 10) -> ReliabilityCurve:
    of = Points(np.array(predicted), np.array(observed), np.arange(len(predicted)))
    return curve(of, len(predicted), bins)


def curve(points: Points, queries: int, bins: int = 10) -> ReliabilityCurve:
    return curves({"one": Observed(points, ("predicted", "observed"), same_unit=True)}, queries, bins)["one"]


def test_bins_hold_as_many_and_the_error_is_the_mean_gap() -> None:
    found = drawn([0.1, 0.2, 0.8, 0.9], [0.0, 1.0, 1.0, 1.0], bins=2)
    assert [(each.n, each.low, each.high) for each in found.bins] == [(2, 0.1, 0.2), (2, 0.8, 0.9)]
    assert [each.observed.mean for each in found.bins] == [0.5, 1.0]
    assert found.error == pytest.approx((2 * 0.35 + 2 * 0.15) / 4)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 12))
def test_every_point_is_in_one_bin_and_equal_predictions_share_it(predicted: list[int], bins: int) -> None:
    found = drawn([each / 5 for each in predicted], [each / 5 for each in predicted], bins)
    assert sum(each.n for each in found.bins) == len(predicted)
    assert len(found.bins) <= bins
    assert all(one.high < other.low for one, other in zip(found.bins, found.bins[1:], strict=False))
    assert found.error == pytest.approx(0.0, abs=1e-12)  # what is said is what is seen
    assert all(each.observed.low - 1e-12 <= each.observed.mean <= each.observed.high + 1e-12 for each in found.bins)


def test_pairs_of_one_query_are_resampled_together() -> None:
    # Of each query all or none is seen: ten pairs a query say no more than one does.
    random = np.random.default_rng(1)
    seen = random.integers(0, 2, 40).astype(float)
    once = curve(Points(np.full(40, 0.5), seen, np.arange(40)), 40)
    often = Points(np.full(400, 0.5), np.repeat(seen, 10), np.repeat(np.arange(40), 10))
    found = curve(often, 40)
    assert (found.bins[0].n, once.bins[0].n) == (400, 40)
    assert found.bins[0].observed.low == pytest.approx(once.bins[0].observed.low)
    assert found.bins[0].observed.high == pytest.approx(once.bins[0].observed.high)


def test_all_curves_share_their_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_for: list[int] = []
    ratios = calibration.ratios
    monkeypatch.setattr(
        calibration, "ratios", lambda tops, bottoms: drawn_for.append(len(tops)) or ratios(tops, bottoms)
    )
    sides = {name: [("a", 1.0), ("b", at / 9)] for at, name in enumerate("qrstuv")}
    judgements = Judgements((Qrel("r", "a", 1),), WorkspaceSettings())
    shown = reliability_of(sides, sides, Temperatures(1.0, 1.0), judgements)
    assert drawn_for == [sum(len(one.bins) for one in shown.values())]
    assert list(shown) == ["teacher", "useful", "utility", "relevant"]


def test_the_first_passage_is_held_against_teacher_and_judgements() -> None:
    utilities = {"q": [("a", 1.0), ("b", -1.0)], "r": [("a", 1.0), ("b", -1.0)]}
    similarities = {"q": [("a", 0.9), ("b", 0.1)], "r": [("b", 0.9), ("a", 0.1)]}
    found = reliability_of(
        utilities, similarities, Temperatures(1.0, 1.0), Judgements((Qrel("r", "a", 1),), WorkspaceSettings())
    )
    sure = 1 / (1 + np.exp(-0.8))
    assert [(each.n, each.predicted) for each in found["teacher"].bins] == [(2, pytest.approx(sure))]
    assert found["teacher"].bins[0].observed.mean == pytest.approx(0.5)  # sigmoid(2) and sigmoid(-2)
    assert found["useful"].bins[0].observed.mean == 0.5
    assert (found["relevant"].bins[0].n, found["relevant"].bins[0].observed.mean) == (1, 0.0)
    assert [each.observed.mean for each in found["utility"].bins] == [0.0, 0.0]
    assert found["utility"].error is None
    assert "relevant" not in reliability_of(
        utilities, similarities, Temperatures(1.0, 1.0), Judgements((), WorkspaceSettings())
    )


def test_what_is_relevant_and_judged_follows_the_settings() -> None:
    utilities = {name: [("a", 1.0), ("b", -1.0)] for name in "qr"}
    similarities = {name: [("a", 0.9), ("b", 0.1)] for name in "qr"}
    qrels = Qrel("q", "a", 1), Qrel("r", "a", 2)
    for settings, observed in (
        (WorkspaceSettings(), (2, 1.0)),
        (WorkspaceSettings(relevance=2), (2, 0.5)),
        (WorkspaceSettings(relevance=2, without_relevant="left out"), (1, 1.0)),
    ):
        judgements = Judgements(qrels, settings)
        (part,) = reliability_of(utilities, similarities, Temperatures(1.0, 1.0), judgements)["relevant"].bins
        assert (part.n, part.observed.mean) == observed
