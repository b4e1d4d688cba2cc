"""Which way a ranking moved: toward the teacher's places or away from them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.evaluation.displacement import displacements


def test_a_passage_moves_toward_the_teachers_place_or_away_from_it() -> None:
    utilities = {"a": 3.0, "b": 2.0, "c": -1.0, "d": -1.0}
    found = {
        pull.passage_id: pull for pull in displacements(utilities, ["c", "x", "b", "a", "d"], ["a", "c", "b", "d"])
    }
    assert [(p.passage_id, p.before, p.after) for p in found.values()] == [
        ("a", 2, 0), ("b", 0, 1), ("c", 2, 1), ("d", 0, 0),
    ]  # fmt: skip
    assert [p.word for p in found.values()] == ["toward the teacher", "away from the teacher", "toward the teacher", ""]


def test_a_passage_left_out_counts_as_the_one_behind_the_last() -> None:
    (a, b, _) = displacements({"a": 2.0, "b": 1.0, "c": 0.0}, ["b"], ["b", "c", "a"])
    assert (a.before, a.after, b.word) == (1, 2, "")


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-2, 2).map(float), min_size=1), st.permutations("abcdef"))
def test_the_teachers_own_order_is_nowhere_farther(utilities: dict[str, float], before: list[str]) -> None:
    best = sorted(utilities, key=lambda name: (-utilities[name], name))
    after = {pull.passage_id: pull.after for pull in displacements(utilities, before, best)}
    assert after == dict.fromkeys(utilities, 0)
