"""The lexical teacher: answer likelihood under a smoothed unigram language model; no model to download."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from math import log
from unicodedata import normalize

from workbench.errors import BadSetting, NothingToDo
from workbench.records import AnswerLikelihood, Failure, Group, Passage, Query, Scored, Unit, Utility
from workbench.teachers.normalisation import UNITS, Normalisation, best_gain, check_normalisation

# Big enough that one write to the store is shared by many pairs, small enough that an interrupt costs a blink.
PAIRS_IN_BATCH = 2000
# About 10 kB a passage: a cache of a few hundred MB at most.
PASSAGES_CACHED = 30_000


@dataclass(frozen=True)
class LexicalSettings:
    """All that decides the lexical teacher's utilities."""

    smoothing: float = field(default=0.5, metadata={"about": "the collection's share in the mixture, from 0 to 1"})
    normalisation: Normalisation = field(
        default="mean", metadata={"about": "mean: nats per word of the answer; sum: nats"}
    )

    def __post_init__(self) -> None:
        if not (isinstance(self.smoothing, float) and 0 < self.smoothing < 1):
            raise BadSetting(f"smoothing is {self.smoothing!r}.", "It must lie between 0 and 1, both excluded.")
        check_normalisation(self.normalisation)


class Lexical:
    """Scores passages by the answer's words: the unigram model of Jelinek and Mercer against the collection alone.

    p(w | passage) = (1 - s) tf / |passage| + s p(w), p(w) = cf / |collection|, s = `smoothing` (Zhai and Lafferty,
    TOIS 2004). A word that the collection never uses counts as used once, with and without a passage alike; a
    passage without words uses none of the answer's. Utilities are in nats, per word for "mean".
    """

    def __init__(self, settings: LexicalSettings) -> None:
        self.settings = settings
        self._counts: Counter[str] = Counter()
        self._total = 0
        self._fingerprint = ""
        self._word_counts = lru_cache(maxsize=PASSAGES_CACHED)(_word_counts)

    @property
    def name(self) -> str:
        """Return the recipe: smoothing, normalisation, and a fingerprint of the collection's word counts."""
        self._check_prepared()
        return f"lexical:jm{float(self.settings.smoothing)}:{self.settings.normalisation}:{self._fingerprint}"

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        return UNITS[self.settings.normalisation]

    def prepare(self, collection: Iterable[Passage]) -> None:
        """Count the words of the whole collection; the order of its passages does not matter."""
        self._counts = Counter()
        for passage in collection:
            self._counts.update(words(passage.content))
        self._total = self._counts.total()
        if not self._total:
            raise NothingToDo("The collection has no words for the lexical teacher to count.", "Ingest passages first.")
        digest = sha256()
        for word, count in sorted(self._counts.items()):
            digest.update(f"{word}\t{count}\n".encode())
        self._fingerprint = digest.hexdigest()[:6]

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield a utility per pair, or a failure where no reference answer has a word."""
        self._check_prepared()
        finished: list[Scored] = []
        for group in groups:
            finished.extend(self._group(group))
            if len(finished) >= PAIRS_IN_BATCH:
                yield finished
                finished = []
        if finished:
            yield finished

    def _group(self, group: Group) -> Iterator[Scored]:
        query_id, name = group.query.query_id, self.name
        answers = self._answers(group.query)
        if not answers:
            reason = "no reference answer has a word" if group.query.answers else "the query has no reference answer"
            yield from (Failure(query_id, passage.passage_id, name, reason) for passage in group.passages)
            return
        for passage in group.passages:
            likelihoods = tuple(self._likelihood(answer, shares, passage.content) for answer, shares in answers)
            value = best_gain(likelihoods, self.settings.normalisation)
            yield Utility(query_id, passage.passage_id, name, value, likelihoods)

    def _answers(self, query: Query) -> list[tuple[str, list[tuple[str, float]]]]:
        """Return the reference answers that have words, each with its words' shares in the collection."""
        answers = []
        for answer in dict.fromkeys(query.answers):
            shares = [(word, max(self._counts[word], 1) / self._total) for word in words(answer)]
            if shares:
                answers.append((answer, shares))
        return answers

    def _likelihood(self, answer: str, shares: list[tuple[str, float]], content: str) -> AnswerLikelihood:
        counts, length = self._word_counts(content)
        smoothing = self.settings.smoothing
        weight = (1 - smoothing) / max(length, 1)
        without = sum(log(share) for _, share in shares)
        with_passage = sum(log(weight * counts.get(word, 0) + smoothing * share) for word, share in shares)
        return AnswerLikelihood(answer, len(shares), with_passage, without)

    def _check_prepared(self) -> None:
        if not self._fingerprint:
            raise NothingToDo("The lexical teacher has not read the collection.", "Call prepare(collection) first.")


def words(text: str) -> list[str]:
    r"""Return the lower-cased runs of \w characters of the NFKC form."""
    return re.findall(r"\w+", normalize("NFKC", text).lower())


def _word_counts(text: str) -> tuple[dict[str, int], int]:
    """Return how often each word occurs in a text, and how many words it has."""
    counts = Counter(words(text))
    return dict(counts), counts.total()
