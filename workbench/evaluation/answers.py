"""Measures of an answer against reference answers: exact match and token F1, as SQuAD and QASPER define them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
# As a measure is spelled: F1, F1@5, F1(reader)@5. A reader's name may hold brackets of its own.
_SPELLED = re.compile(r"(?P<kind>F1|EM)(?:\((?P<reader>.+)\))?(?:@(?P<depth>[1-9]\d*))?")


def normalised(text: str) -> str:
    """Return a text in lower case without ASCII punctuation and English articles, its words one space apart.

    This is `normalize_answer` of SQuAD's and QASPER's evaluation scripts: other alphabets' punctuation stays.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split())


def exact_match(answer: str, references: Sequence[str]) -> float:
    """Return 1 if the answer is one of the references after normalisation, else 0.

    As in SQuAD 2.0, references that normalise to nothing count only where there are no others: then the query has no
    answer, and the right one is empty. Without any reference it is taken to have no answer.
    """
    return _best(_same, answer, references)


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Return the highest F1 of the answer's normalised words against a reference's, counted with repetition.

    Where either has no words, F1 is 1 if both have none, else 0: SQuAD 2.0's rule. SQuAD 1.1 and QASPER have no such
    references, and are equal otherwise.
    """
    return _best(_f1, answer, references)


def _best(compare: Callable[[str, str], float], answer: str, references: Sequence[str]) -> float:
    normalised_references = [normalised(reference) for reference in references]
    return max(compare(normalised(answer), reference) for reference in [*filter(None, normalised_references)] or [""])


def _same(answer: str, reference: str) -> float:
    return float(answer == reference)


def _f1(answer: str, reference: str) -> float:
    words, expected = answer.split(), reference.split()
    if not words or not expected:
        return float(words == expected)
    common = (Counter(words) & Counter(expected)).total()
    # 2 P R / (P + R) with P = common / words and R = common / expected
    return 2 * common / (len(words) + len(expected))


ANSWER_MEASURES: dict[str, Callable[[str, Sequence[str]], float]] = {"F1": token_f1, "EM": exact_match}


class AnswerMeasure(NamedTuple):
    """A measure of a reader's answers from a run's first `depth` passages: `F1(reader)@5`.

    As a person spells it, reader and depth may be left out.
    """

    kind: str
    reader: str = ""
    depth: int | None = None

    def __str__(self) -> str:
        reader = f"({self.reader})" if self.reader else ""
        return f"{self.kind}{reader}" + (f"@{self.depth}" if self.depth else "")

    @classmethod
    def parse(cls, name: str) -> AnswerMeasure | None:
        """Return the measure of answers that a name spells, None if it is none."""
        spelled = _SPELLED.fullmatch(name)
        if not spelled:
            return None
        return cls(spelled["kind"], spelled["reader"] or "", int(spelled["depth"]) if spelled["depth"] else None)
