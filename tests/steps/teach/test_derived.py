"""Readings and ensembles: utilities that are computed from stored ones, as those of a teacher of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from tests.conftest import nothing
from tests.profiles import examples
from tests.workspaces import copy_of
from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.records import AnswerLikelihood, Passage, Query, Utility
from workbench.store import Store, views
from workbench.store.derived import ANSWERS_TAKEN, DEFINITIONS, NORMALISATIONS, AnswersTaken

PLAIN: dict[str, Callable[[AnswerLikelihood], float]] = {
    "mean": lambda a: a.with_passage / a.tokens - a.without_passage / a.tokens,
    "sum": lambda a: a.with_passage - a.without_passage,
    "perplexity": lambda a: math.exp(-a.without_passage / a.tokens) - math.exp(-a.with_passage / a.tokens),
    "relative": lambda a: (
        1 - math.exp(-a.with_passage / a.tokens) / math.exp(-a.without_passage / a.tokens)
    ),
}  # fmt: skip


def plain(definition: str, taken: str, answers: Sequence[AnswerLikelihood]) -> float:
    """Return the utility as the definition says, without any SQL."""
    if taken == "all":
        _, tokens, with_passage, without_passage = zip(*answers, strict=True)
        return PLAIN[definition](AnswerLikelihood("", sum(tokens), sum(with_passage), sum(without_passage)))
    return (max if taken == "best" else fmean)([PLAIN[definition](answer) for answer in answers])


likelihoods = st.builds(AnswerLikelihood, st.text(max_size=3), st.integers(1, 40), st.floats(-90, 0), st.floats(-90, 0))


@pytest.mark.parametrize("taken", ANSWERS_TAKEN)
@given(st.lists(st.lists(likelihoods, min_size=1, max_size=4), min_size=1, max_size=9))
@examples(15)
def test_a_reading_equals_a_plain_computation(taken: AnswersTaken, rows: list[list[AnswerLikelihood]]) -> None:
    with TemporaryDirectory() as folder:
        store = copy_of(nothing, Path(folder, "ws"))
        store.add_scored([Utility("q", f"p{n}", "lm", 0.0, tuple(answers), n) for n, answers in enumerate(rows)])
        for definition in DEFINITIONS:
            result = wb.read_utilities(store, "lm", wb.Reading(definition, taken))
            assert (result.pairs, result.added, result.unit) == (len(rows), len(rows), DEFINITIONS[definition].unit)
            read = {row.passage_id: row for row in views.utilities(store, result.teacher)}
            for n, answers in enumerate(rows):
                assert read[f"p{n}"].value == pytest.approx(plain(definition, taken, answers), rel=1e-9, abs=1e-12)
                assert read[f"p{n}"].truncated == n


@pytest.mark.parametrize(
    ("definition", "softmax"),
    [
        ("mean", [0.622, 0.229, 0.093, 0.056]),
        ("perplexity", [0.991, 0.009, 0.0, 0.0]),
        ("relative", [0.398, 0.315, 0.184, 0.103]),
    ],
)
def test_the_values_of_the_definitions(empty: Store, definition: str, softmax: list[float]) -> None:
    """Four passages under an answer of one token with a negative log-likelihood of 3: the softmax of the utilities."""
    answers = [AnswerLikelihood("y", 1, -nll, -3.0) for nll in (1.0, 2.0, 2.9, 3.4)]
    empty.add_scored([Utility("q", str(n), "lm", 0.0, (answer,)) for n, answer in enumerate(answers)])
    name = wb.read_utilities(empty, "lm", wb.Reading(definition)).teacher
    weights = [math.exp(row.value) for row in sorted(views.utilities(empty, name), key=lambda row: row.passage_id)]
    assert [weight / sum(weights) for weight in weights] == pytest.approx(softmax, abs=6e-4)


def likelihood(query_id: str, passage_id: str, gain: float, teacher: str = "lm") -> Utility:
    return Utility(query_id, passage_id, teacher, gain, (AnswerLikelihood("a", 2, 2 * gain - 8.0, -8.0),))


def test_called_again_it_adds_what_is_missing_and_follows_what_changed(empty: Store) -> None:
    empty.add_scored([likelihood("q", "1", 1.0), likelihood("q", "2", 2.0)], "nats per token")
    reading = wb.Reading("sum")
    assert wb.read_utilities(empty, "lm", reading).added == 2
    empty.add_scored([likelihood("q", "3", 3.0)])
    again = wb.read_utilities(empty, "lm", reading)
    assert (again.pairs, again.added, again.changed, again.removed) == (3, 1, 0, 0)
    empty.add_scored([likelihood("q", "1", 5.0)], replace=True)
    assert wb.read_utilities(empty, "lm", reading).changed == 1
    assert [row.value for row in views.utilities(empty, "lm|sum:best")] == [10.0, 6.0, 4.0]
    assert "3 pairs in nats, 0 of them new" in wb.read_utilities(empty, "lm", reading).in_words


def test_a_reading_is_a_teacher_like_any_other_and_is_not_meant_by_the_beginning_of_anothers_name(store: Store) -> None:
    name = wb.read_utilities(store, reading=wb.Reading("relative", "all")).teacher
    assert name == "toy|relative:all"
    assert views.find_teacher(store, "to") == views.find_teacher(store, None) == "toy"
    assert views.find_teacher(store, "toy|rel") == name
    assert {counted.teacher: counted.unit for counted in views.teachers(store)}[name] == "share of perplexity"
    assert wb.teacher_agreement(store, "after", name).unit == "share of perplexity"


def test_what_is_no_number_is_left_out_and_counted(empty: Store) -> None:
    far = AnswerLikelihood("a", 1, -2_000.0, -1.0)
    empty.add_scored([Utility("q", "1", "lm", 0.0, (far,)), likelihood("q", "2", 1.0)])
    result = wb.read_utilities(empty, "lm", wb.Reading("perplexity"))
    assert (result.pairs, result.not_finite) == (1, 1)
    assert "1 left out, as not finite" in result.in_words


def test_a_reading_that_cannot_be_is_refused_and_leaves_no_trace(empty: Store) -> None:
    empty.add_scored([Utility("q", "1", "judge", 1.0)])
    with pytest.raises(NothingToDo, match="judge has left no likelihoods"):
        wb.read_utilities(empty)
    with pytest.raises(UnknownName, match="no definition of utility named 'median'"):
        wb.Reading("median")
    with pytest.raises(UnknownName, match="Known: best, mean, all"):
        wb.Reading(answers="worst")  # type: ignore[arg-type]
    with empty.read() as connection:
        assert connection.execute("select teacher from teachers").fetchall() == [("judge",)]


def ranks(values: Sequence[float]) -> list[float]:
    """Return ascending ranks from 1, equal values sharing their mean."""
    return [1 + sum(other < value for other in values) + (values.count(value) - 1) / 2 for value in values]


NORMALISED: dict[str, Callable[[list[float]], list[float]]] = {
    "z-score": lambda v: [(x - fmean(v)) / pstdev(v) if len(set(v)) > 1 else 0.0 for x in v],
    "min-max": lambda v: [(x - min(v)) / (max(v) - min(v)) if len(set(v)) > 1 else 0.5 for x in v],
    "rank": lambda v: [(rank - 1) / (len(v) - 1) if len(v) > 1 else 0.5 for rank in ranks(v)],
    "rrf": lambda v: [1 / (60 + rank) for rank in ranks([-x for x in v])],
}


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_an_ensemble_equals_a_plain_computation_over_the_pairs_that_all_have(empty: Store, normalisation: str) -> None:
    values = {"a": {"q": [3.0, 1.0, 1.0, -2.0], "r": [1.0, 2.0]}, "b": {"q": [0.1, 0.1, 0.4, 9.0], "r": [5.0, 5.0]}}
    for teacher, queries in values.items():
        empty.add_scored(
            [Utility(q, f"p{n}", teacher, value) for q, row in queries.items() for n, value in enumerate(row)]
        )
    empty.add_scored([Utility("q", "p9", "a", 1_000.0), Utility("alone", "p", "b", 1.0)])
    result = wb.combine(empty, ["b", "a"], [1, 3], normalisation)
    assert result.teacher == f"ensemble:{normalisation}(3*a + 1*b)"
    assert (result.pairs, result.lacking) == (6, {"a": 1, "b": 1})
    assert "a lacks 1, b lacks 1" in result.in_words
    divisor = 1 if normalisation == "rrf" else 4
    normalised = NORMALISED[normalisation]
    expected = {
        (q, f"p{n}"): (3 * one + other) / divisor
        for q in ("q", "r")
        for n, (one, other) in enumerate(zip(normalised(values["a"][q]), normalised(values["b"][q]), strict=True))
    }
    computed = {(row.query_id, row.passage_id): row.value for row in views.utilities(empty, result.teacher)}
    assert computed == pytest.approx(expected, rel=1e-9, abs=1e-12)
    again = wb.combine(empty, ["a", "b"], [3, 1], normalisation)
    assert (again.added, again.changed, again.removed) == (0, 0, 0)


def test_an_ensemble_follows_its_parts(empty: Store) -> None:
    empty.add_scored([Utility("q", f"p{n}", teacher, float(n)) for n in range(3) for teacher in "ab"])
    assert wb.combine(empty, ["a", "b"], normalisation="min-max").added == 3
    empty.add_scored([Utility("q", "p9", teacher, 4.0) for teacher in "ab"])
    again = wb.combine(empty, ["a", "b"], normalisation="min-max")
    assert (again.pairs, again.added, again.changed) == (4, 1, 2), "a wider range moves those between its ends"
    empty.add_collection([Query("q", "what?")], [Passage("p9", "", "a text")])
    empty.add_collection((), [Passage("p9", "", "another text")], replace=True)
    assert wb.combine(empty, ["a", "b"], normalisation="min-max").pairs == 3


@pytest.mark.parametrize(
    ("teachers", "weights", "normalisation", "message"),
    [
        (["a"], [], "z-score", "needs two teachers"),
        (["a", "a"], [], "z-score", "a comes twice"),
        (["a", "b"], [1], "z-score", "1 weight for 2 teachers"),
        (["a", "b"], [1, 0], "z-score", "not above 0"),
        (["a", "b"], [1, math.nan], "z-score", "not above 0"),
        (["a", "b"], [], "median", "no normalisation named 'median'"),
        (["a", "b"], [], "rrf", "no pair that all of a, b"),
    ],
)
def test_an_ensemble_that_cannot_be_says_why(
    empty: Store, teachers: list[str], weights: list[float], normalisation: str, message: str
) -> None:
    empty.add_scored([Utility("q", "1", "a", 1.0), Utility("q", "2", "b", 1.0)])
    with pytest.raises((BadSetting, NothingToDo, UnknownName), match=message):
        wb.combine(empty, teachers, weights, normalisation)
