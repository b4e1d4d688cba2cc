"""Foreign text in HTML: no character changes but a lone mark of direction, and answers are marked before words."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from workbench.direction import balanced
from workbench.html.marking import answer_found, marked, terms


@given(st.text(), st.text(max_size=30), st.lists(st.text(max_size=12), max_size=3))
def test_marking_changes_no_character(text: str, query: str, answers: list[str]) -> None:
    shown = marked(text, query, answers)
    assert unescape(re.sub(r"</?mark[^>]*>", "", shown)) == unescape(balanced(text).replace("&", "&amp;"))
    assert "<" not in re.sub(r'</?mark(?: class="wb-(?:term|answer)")?>', "", shown)


def test_an_answer_is_marked_rather_than_the_words_in_it() -> None:
    shown = marked("The price of OIL rose; oils too.", "What raised the price of oil?", ["price of oil"])
    assert shown == ('The <mark class="wb-answer">price of OIL</mark> rose; <mark class="wb-term">oils</mark> too.')
    assert marked("embargoed", "", ["embargo"]) == "embargoed"
    assert answer_found("by the  embargo", ["the embargo"]) == 3
    assert answer_found("nothing", ["x", ""]) is None
    assert terms("What is the 3 of ABC's oil?") == ("3", "abc", "oil")
