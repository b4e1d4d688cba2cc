"""Exact match and token F1: values by hand from the definitions of SQuAD's and QASPER's evaluation scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from workbench.evaluation.answers import AnswerMeasure, exact_match, normalised, token_f1

texts = st.text(max_size=20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Embargo.", "embargo"),
        ("  an   apple\ta day\n", "apple day"),
        ("A. A. Milne", "milne"),  # punctuation goes first, and what is left of initials are articles
        ("theatre, another", "theatre another"),  # articles are whole words
        ("rock-n-roll's", "rocknrolls"),  # nothing stands in punctuation's place
        ("$1,973.50", "197350"),
        ("“the” Élan…", "“ ” élan…"),  # punctuation of ASCII alone
        ("DON’T", "don’t"),
        ("l'été", "lété"),
        ("the", ""),
        ("?!", ""),
        ("", ""),
        ("naïve\u00a0Straße", "naïve straße"),
    ],
)
def test_normalisation_is_that_of_the_official_scripts(text: str, expected: str) -> None:
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("answer", "references", "f1", "em"),
    [
        ("the embargo", ["Embargo!"], 1, 1),
        ("embargo of 1973", ["the embargo"], 1 / 2, 0),  # P 1/3, R 1
        ("oil price rise", ["rise of the oil price in 1973"], 2 / 3, 0),  # P 1, R 3/6
        ("to be or not to be", ["to be"], 1 / 2, 0),  # common counted with repetition: 2 of 6, 2 of 2
        ("to to to", ["to be or not to be"], 4 / 9, 0),  # common min(3, 2) = 2: P 2/3, R 2/6
        ("Denver", ["Broncos", "Denver Broncos", "the Denver"], 1, 1),  # best of several
        ("Denver", ["Broncos", "Denver Broncos"], 2 / 3, 0),
        ("salt", ["pepper"], 0, 0),
        ("", ["the sea"], 0, 0),  # nothing answered
        ("the", ["the sea"], 0, 0),  # nothing left of it
        ("", [""], 1, 1),  # no answer, and rightly
        ("the sea", [""], 0, 0),
        ("", ["", "the sea"], 0, 0),  # an empty reference among others does not count
        ("The.", ["a"], 1, 1),  # both are empty after normalisation
        ("", [], 1, 1),  # no reference: taken as unanswerable
        ("sea", [], 0, 0),
        ("Unanswerable", ["unanswerable"], 1, 1),  # as QASPER spells it
        ("Yes", ["yes"], 1, 1),
        ("Yes, it is", ["Yes"], 1 / 2, 0),  # P 1/3, R 1
        ("No", ["Yes"], 0, 0),
        ("STRASSE", ["Straße"], 0, 0),  # lower case, not case folding
        ("Élan", ["élan"], 1, 1),
        ("東京", ["東京 都"], 2 / 3, 0),
    ],
)  # fmt: skip
def test_values_by_hand(answer: str, references: list[str], f1: float, em: float) -> None:
    assert token_f1(answer, references) == pytest.approx(f1)
    assert exact_match(answer, references) == em


@examples(50)
@given(texts, st.lists(texts, max_size=3))
def test_bounds_and_an_exact_match_has_f1_of_one(answer: str, references: list[str]) -> None:
    f1, em = token_f1(answer, references), exact_match(answer, references)
    assert 0 <= em <= f1 <= 1
    if any(normalised(reference) for reference in references):
        assert max(token_f1(reference, references) for reference in references) == 1


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("F1", AnswerMeasure("F1")),
        ("EM@5", AnswerMeasure("EM", "", 5)),
        ("F1(reader)@5", AnswerMeasure("F1", "reader", 5)),
        ("EM(org/model-1a2b (x)@2)@10", AnswerMeasure("EM", "org/model-1a2b (x)@2", 10)),
        ("F1@0", None),
        ("f1", None),
        ("R@1", None),
        ("F1()", None),
    ],
)
def test_spelling(name: str, measure: AnswerMeasure | None) -> None:
    assert AnswerMeasure.parse(name) == measure
    if measure:
        assert str(measure) == name
