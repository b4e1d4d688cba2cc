"""Foreign text as HTML: the one place where it is escaped, and where terms and answers are marked in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from workbench.direction import balanced

# Function words; marking them would drown the words of content.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        a about after all also an and any are as at be been before between by can could did do does during each for from
        had has have he her his how if in into is it its many more most much name not of on one or other over she some
        such than that the their them then there these they this to under up was were what when where which who whom
        whose why will with would you your
        """,
    )
)


def html(text: str) -> str:
    """Return foreign text as HTML that shows it character by character, turns nothing after it, and does no more."""
    return escape(balanced(text), quote=True)


def terms(query: str) -> tuple[str, ...]:
    """Return the words of a query that are worth finding again in a passage."""
    words = dict.fromkeys(word.casefold() for word in re.findall(r"\w+", query))
    return tuple(word for word in words if word not in _COMMON and (len(word) > 2 or word.isdigit()))


def marked(text: str, query: str = "", answers: Iterable[str] = ()) -> str:
    """Return `text` as HTML with the answers and the query's words in it marked; an answer wins over a word."""
    return "".join(
        f'<mark class="wb-{mark}">{escape(part)}</mark>' if mark else escape(part)
        for part, mark in marked_parts(text, query, answers)
    )


def marked_parts(text: str, query: str = "", answers: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Return `text` in parts, each with its mark: "answer", "term" for a word of the query, or ""."""
    text = balanced(text)  # as a whole: what opens in one part may close in another
    spans = [(*match.span(), "answer") for match in _answers(text, answers)]
    taken = list(spans)
    if wanted := terms(query):
        words = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, wanted))})(?:s|es|'s)?(?!\w)", re.IGNORECASE)
        for match in words.finditer(text):
            start, end = match.span()
            if not any(start < other_end and other_start < end for other_start, other_end, _ in taken):
                spans.append((start, end, "term"))
    parts, at = [], 0
    for start, end, mark in sorted(spans):
        parts += [(text[at:start], ""), (text[start:end], mark)]
        at = end
    return [(part, mark) for part, mark in (*parts, (text[at:], "")) if part]


def answer_found(text: str, answers: Iterable[str]) -> int | None:
    """Return where in `text` the first answer begins, None if no answer is in it."""
    return min((match.start() for match in _answers(text, answers)), default=None)


def _answers(text: str, answers: Iterable[str]) -> list[re.Match[str]]:
    # Longest first, so that an answer inside a longer one does not cut it in two.
    wanted = sorted({answer.strip() for answer in answers if answer.strip()}, key=len, reverse=True)
    if not wanted:
        return []
    parts = (r"\s+".join(map(re.escape, answer.split())) for answer in wanted)
    return list(re.finditer(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", text, re.IGNORECASE))
