"""Batches: which candidates and which negatives a step shows the student, and how each pair counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import NothingToDo
from workbench.records import Example, Passage
from workbench.trainer.batches.topics import by_topic
from workbench.trainer.resolved import ResolvedSettings

# Targets of the pairs without a utility of their own.
NEGATIVE = float("-inf")
LEFT_OUT = float("inf")
# Fills the row of a query that has fewer hard negatives than others.
NO_PASSAGE = -1


class Batch(NamedTuple):
    """What one step reads: B queries, N distinct passages, and (B, N) targets.

    A target is the utility of a scored candidate of that query, whichever query it was drawn for; NEGATIVE where the
    passage came with another query or at random; LEFT_OUT where it is a candidate or has a qrel and no utility.
    """

    queries: list[str]
    passages: list[str]
    targets: NDArray[np.float32]


class _Query(NamedTuple):
    """One example, its candidates as rows, best first, one row a text; `known` rows are never used as negatives."""

    text: str
    rows: NDArray[np.int64]
    utilities: NDArray[np.float64]
    known: frozenset[int]


class Batches:
    """Draws batches from examples; what a slot holds depends on the seed and its number alone.

    A slot is one query's turn: slots 0 to n-1 show each of n queries once, in random order, the next n once more;
    with a curriculum these begin after it. With `clusters`, which number the topic of each example, neighbours in
    that order come from one: their candidates overlap, so that a passage serves several queries, and the negatives
    that come with other queries are hard (TAS-B, arXiv 2104.06967). Nothing is remembered between two draws, so a
    training that resumes at step s reads what it would have read, if it is given the same `mined` hard negatives
    again: rows of `collection`, (queries, hard), by the number of steps after which they were mined.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        collection: Iterable[Passage],
        settings: ResolvedSettings,
        clusters: NDArray[np.int64] | None = None,
    ) -> None:
        self.settings, self._clusters = settings, clusters
        self._texts: list[str] = []
        rows = self._read(collection, examples)
        # Negatives come from the collection only, candidates may lie outside it.
        self._queries = [_query(example, rows) for example in examples]
        if not self._queries:
            raise NothingToDo("There is nothing to learn from: no query has scored candidates.", "Score some first.")
        self.queries = [query.text for query in self._queries]
        self.known = [query.known for query in self._queries]
        self.mined: dict[int, NDArray[np.int64]] = {}
        self._curriculum_steps = round(settings.curriculum * settings.steps)
        if self._curriculum_steps:
            self._by_entropy = np.argsort([self._entropy(query) for query in self._queries], kind="stable")

    def batch(self, slots: Sequence[int]) -> Batch:
        """Return the batch of these slots."""
        numbers = [self._query_of(slot) for slot in slots]
        queries = [self._queries[number] for number in numbers]
        generators = [np.random.default_rng([self.settings.seed, 1, slot]) for slot in slots]
        draws = [
            stratified(query.utilities, self.settings.candidates, generator)
            for query, generator in zip(queries, generators, strict=True)
        ]
        candidates = [query.rows[draw] for query, draw in zip(queries, draws, strict=True)]
        negatives = [
            self._negatives(slot, number, generator)
            for slot, number, generator in zip(slots, numbers, generators, strict=True)
        ]
        rows = dict.fromkeys(np.concatenate(candidates + negatives).tolist())
        columns = {row: column for column, row in enumerate(rows)}
        targets = np.full((len(slots), len(columns)), NEGATIVE, dtype=np.float32)
        for line, query in zip(targets, queries, strict=True):
            line[[columns[row] for row in query.known if row in columns]] = LEFT_OUT
            scored = np.array([row in columns for row in query.rows.tolist()])
            line[[columns[row] for row in query.rows[scored].tolist()]] = query.utilities[scored]
        return _longest_first(Batch([query.text for query in queries], [self._texts[row] for row in columns], targets))

    @property
    def collection(self) -> list[str]:
        """Return the texts that negatives are drawn from, by row."""
        return self._texts[: self._collection_size]

    def mining_before(self, step: int) -> int:
        """Return after how many steps the hard negatives were mined that the step after `step` steps reads.

        Batches are drawn one step ahead (accelerate does, to know which is the last), so that what is mined after a
        step comes too late for the next one: it is for those after that.
        """
        return max(0, step - 1) // self.settings.refresh * self.settings.refresh

    def _negatives(self, slot: int, number: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return the rows of a query's negatives: hard ones, or random ones where there are none."""
        if self.settings.refresh:
            hard = self.mined[self.mining_before(slot // self.settings.batch_size)][number]
            if len(hard := hard[hard != NO_PASSAGE]):
                return generator.permutation(hard)[: self.settings.negatives]
        return generator.integers(self._collection_size, size=self.settings.negatives)

    def _query_of(self, slot: int) -> int:
        """Return the number of the query whose turn a slot is."""
        step, place = divmod(slot, self.settings.batch_size)
        if step < self._curriculum_steps:
            return self._curriculum_query(step, place)
        turn, place = divmod(slot - self._curriculum_steps * self.settings.batch_size, len(self._queries))
        if getattr(self, "_turn", None) != turn:
            self._turn = turn
            generator = np.random.default_rng([self.settings.seed, 0, turn])
            if self._clusters is None:
                self._order = generator.permutation(len(self._queries))
            else:
                self._order = by_topic(self._clusters, self.settings.queries_a_topic, generator)
        return int(self._order[place])

    def _curriculum_query(self, step: int, place: int) -> int:
        """Return the number of the query at a place in a step's batch, while there are not yet all to choose from."""
        first = min(self.settings.batch_size, len(self._queries))
        width = first + (len(self._queries) - first) * step // self._curriculum_steps
        order = np.random.default_rng([self.settings.seed, 2, step]).permutation(width)
        return int(self._by_entropy[order[place % width]])

    def _entropy(self, query: _Query) -> float:
        """Return the entropy of the teacher's distribution over a query's candidates, in nats."""
        weights = np.exp((query.utilities - query.utilities[0]) / self.settings.teacher_temperature)
        p = weights / weights.sum()
        return float(-(p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum())

    def _read(self, collection: Iterable[Passage], examples: Sequence[Example]) -> dict[str, int]:
        """Give each distinct text a row and return the row of each passage id; the collection's rows come first."""
        row_of_text: dict[str, int] = {}
        rows: dict[str, int] = {}
        for passage in collection:
            rows[passage.passage_id] = row_of_text.setdefault(passage.content, len(row_of_text))
        self._collection_size = len(row_of_text)
        for example in examples:
            for passage in example.passages:
                rows.setdefault(passage.passage_id, row_of_text.setdefault(passage.content, len(row_of_text)))
        if self._collection_size == 0 and self.settings.negatives > 0:
            raise NothingToDo("There is no collection to draw negatives from.", "Pass its passages, or 0 negatives.")
        self._texts = list(row_of_text)
        return rows


def stratified(utilities: NDArray[np.float64], most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return up to `most` positions of falling utilities: the best, and others spread over the range of utility.

    The range below the best is cut into as many equal parts as there are places left. Each part gives one of its
    candidates; the places of empty parts go to any that are left. Stratified draws beat the top and random ones in
    distillation from scores (arXiv 2604.04734).
    """
    if len(utilities) <= most:
        return np.arange(len(utilities))
    rest, places = utilities[1:], most - 1
    # Random order first, so that the first of each part is a random one of it.
    order = generator.permutation(len(rest))
    width = (rest[0] - rest[-1]) / max(places, 1)
    parts = ((rest[0] - rest[order]) // width).clip(max=places - 1) if width > 0 else np.zeros(len(rest))
    _, firsts = np.unique(parts, return_index=True)
    others = np.delete(np.arange(len(rest)), firsts)
    draw = order[np.concatenate([firsts, others])[:places]]
    return np.concatenate([[0], np.sort(draw) + 1])


def _longest_first(batch: Batch) -> Batch:
    """Return a batch with its queries, and its passages, by falling length: parts of it then hold little padding."""
    rows = sorted(range(len(batch.queries)), key=lambda row: -len(batch.queries[row]))
    columns = sorted(range(len(batch.passages)), key=lambda column: -len(batch.passages[column]))
    return Batch(
        [batch.queries[row] for row in rows],
        [batch.passages[column] for column in columns],
        batch.targets[np.ix_(rows, columns)],
    )


def _query(example: Example, rows: dict[str, int]) -> _Query:
    """Return an example as rows; of passages with the same text the one with the higher utility stays."""
    if len(example.passages) != len(example.utilities):
        raise ValueError(f"Query {example.query.query_id!r} has not as many utilities as passages.")
    if not example.passages or not all(map(isfinite, example.utilities)):
        raise NothingToDo(f"Query {example.query.query_id!r} has no candidate, or one without a finite utility.")
    best: dict[int, float] = {}
    for passage, utility in sorted(zip(example.passages, example.utilities, strict=True), key=lambda pair: -pair[1]):
        best.setdefault(rows[passage.passage_id], utility)
    known = frozenset(rows[passage_id] for passage_id in example.known if passage_id in rows) | best.keys()
    return _Query(example.query.text, np.array(list(best)), np.array(list(best.values())), known)
