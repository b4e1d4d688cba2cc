"""Marks of direction in foreign text (Unicode's bidirectional algorithm), and how far they reach."""

from __future__ import annotations

EMBEDDINGS = frozenset("\u202a\u202b\u202d\u202e")  # and overrides
END_OF_EMBEDDING = "\u202c"
ISOLATES = frozenset("\u2066\u2067\u2068")
END_OF_ISOLATE = "\u2069"
MARKS = EMBEDDINGS | ISOLATES | {END_OF_EMBEDDING, END_OF_ISOLATE, "\u061c", "\u200e", "\u200f"}
REPLACEMENT = "\ufffd"


def balanced(text: str) -> str:
    """Return a text of the same length that turns nothing around it.

    A mark that opens what the text never closes, or closes what it never opened, would reach the words that stand
    after it or around it: each of these becomes U+FFFD. Marks in pairs, as right-to-left writing needs them, stay.
    """
    if MARKS.isdisjoint(text):
        return text
    opened: list[int] = []
    lone: set[int] = set()
    for place, sign in enumerate(text):
        if sign in EMBEDDINGS or sign in ISOLATES:
            opened.append(place)
        elif sign == END_OF_EMBEDDING:
            if opened and text[opened[-1]] in EMBEDDINGS:
                opened.pop()
            else:
                lone.add(place)
        elif sign == END_OF_ISOLATE:
            # The end of an isolate ends the embeddings opened within it, too (UAX 9, X6a).
            start = next((at for at in reversed(range(len(opened))) if text[opened[at]] in ISOLATES), None)
            if start is None:
                lone.add(place)
            else:
                del opened[start:]
    lone.update(opened)
    return "".join(REPLACEMENT if place in lone else sign for place, sign in enumerate(text))
