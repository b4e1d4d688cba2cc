"""Cards say what people and teacher found of a passage, at the level of relevance that counts."""

from __future__ import annotations

import pytest

from workbench.html.cards import card, judgements, placed_card, question
from workbench.plots.look import RELEVANT
from workbench.records import Query
from workbench.store.views import Placed


def placed(relevance: int | None, *, relevant: bool, text: str = "text") -> Placed:
    return Placed("p", "", text, 1, 0.5, relevance, None, relevant)


@pytest.mark.parametrize(
    ("relevance", "relevant", "words"),
    [
        (None, False, "not judged"),
        (-1, False, "judged not relevant"),
        (0, False, "judged not relevant"),
        (1, True, "relevant"),
        (2, True, "relevant · grade 2"),
        (1, False, "grade 1, below the level"),
    ],
)
def test_a_badge_says_the_grade_and_whether_it_counts(relevance: int | None, relevant: bool, words: str) -> None:
    badge, scored = judgements(placed(relevance, relevant=relevant))
    assert (badge.word, badge.role) == (words, RELEVANT if relevant else None)
    assert scored.word == "not scored"
    shown = placed_card(placed(relevance, relevant=relevant))
    assert shown.role == (RELEVANT if relevant else None)


def test_a_query_and_a_passage_known_by_their_ids_say_so() -> None:
    assert "no text in this workspace" in question(Query("q-id", ""))
    assert "no text in this workspace" in card(placed_card(placed(1, relevant=True, text="")), Query("q", "what"))
    assert "no text" not in card(placed_card(placed(1, relevant=True)), Query("q", "what"))
