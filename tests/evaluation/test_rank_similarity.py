"""Contrasts by name: found by name and depth, whole for equal rankings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.evaluation.rank_similarity import NAMES, find_rank_similarity

ids = st.lists(st.sampled_from("abcdefghijkl"), unique=True, max_size=10)


@given(ids)
def test_a_ranking_agrees_wholly_with_itself(order: list[str]) -> None:
    ranking = [(name, 0.5) for name in order]  # all tied: the run's order decides
    for name in NAMES:
        kind, depth = find_rank_similarity(name) or pytest.fail(name)
        value = kind.measure(ranking, ranking, depth)
        assert value is None or value == pytest.approx(kind.alike)
        assert value is not None or len(order) < 2


@pytest.mark.parametrize(
    ("name", "depth"),
    [("tauAP", 0), ("RBO@20", 20), ("Jaccard@5", 5), ("nDCG@10", None), ("RBO@", None), ("KL@0", None)],
)
def test_a_contrast_is_found_by_its_name_and_depth(name: str, depth: int | None) -> None:
    found = find_rank_similarity(name)
    assert (found[1] if found else None) == depth


def test_depth_cuts_both_rankings() -> None:
    kind, depth = find_rank_similarity("RBO@1") or pytest.fail("RBO@1")
    assert kind.measure([("a", 2), ("b", 1)], [("a", 2), ("c", 1)], depth) == pytest.approx(1.0)
