"""Batches: which candidates and which negatives a step shows the student, and how each pair counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.columns.examples import Examples
from workbench.columns.texts import ChosenTexts
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
    """One example by rows of texts, best first, one row a text; `known` rows are never used as negatives."""

    text: str
    rows: NDArray[np.int32]
    utilities: NDArray[np.float64]
    known: NDArray[np.int32]


class Batches:
    """Draws batches from examples; what a slot holds depends on the seed and its number alone.

    A slot is one query's turn: slots 0 to n-1 show each of n queries once, in random order, the next n once more;
    with a curriculum these begin after it. With `clusters`, which number the topic of each example, neighbours in
    that order come from one: their candidates overlap, so that a passage serves several queries, and the negatives
    that come with other queries are hard (TAS-B, arXiv 2104.06967). Nothing is remembered between two draws, so a
    training that resumes at step s reads what it would have read, if it is given the same `mined` hard negatives
    again: rows of `collection`, (queries, hard), by the number of steps after which they were mined. Each distinct
    text has a row, those of the collection first; a text is read when a batch holds it.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        collection: Sequence[Passage],
        settings: ResolvedSettings,
        clusters: NDArray[np.int64] | None = None,
    ) -> None:
        self.settings, self._clusters = settings, clusters
        self._examples = Examples.of(examples, collection)
        self._texts = self._examples.contents.distinct
        # Negatives come from the collection only, candidates may lie outside it.
        self._collection_size = int(self._texts.numbers[: self._examples.collection].max(initial=-1)) + 1
        self._check()
        self.queries = [query.text for query in self._examples.queries]
        self.mined: dict[int, NDArray[np.int64]] = {}
        self._curriculum_steps = round(settings.curriculum * settings.steps)
        if self._curriculum_steps:
            entropies = [self._entropy(self._query(number)) for number in range(len(self.queries))]
            self._by_entropy = np.argsort(entropies, kind="stable")

    def batch(self, slots: Sequence[int]) -> Batch:
        """Return the batch of these slots."""
        numbers = [self._query_of(slot) for slot in slots]
        queries = [self._query(number) for number in numbers]
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
        columns = _Columns(np.concatenate(candidates + negatives))
        targets = np.full((len(slots), len(columns.rows)), NEGATIVE, dtype=np.float32)
        for line, query in zip(targets, queries, strict=True):
            line[columns.of(query.known)[0]] = LEFT_OUT
            scored, is_there = columns.of(query.rows)
            line[scored] = query.utilities[is_there]
        texts = [self._texts[row] for row in columns.rows.tolist()]
        return _longest_first(Batch([query.text for query in queries], texts, targets))

    @property
    def collection(self) -> ChosenTexts:
        """Return the texts that negatives are drawn from, by row."""
        return ChosenTexts(self._texts, np.arange(self._collection_size))

    def known(self, number: int) -> NDArray[np.int32]:
        """Return the rows of a query that are never used as negatives, some of them twice."""
        examples = self._examples
        known = examples.known[number]
        known = known[known < len(examples.contents)]  # no text is known of the others
        rows: NDArray[np.int32] = self._texts.numbers[np.concatenate([known, examples.rows[number]])]
        return rows

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
        turn, place = divmod(slot - self._curriculum_steps * self.settings.batch_size, len(self.queries))
        if getattr(self, "_turn", None) != turn:
            self._turn = turn
            generator = np.random.default_rng([self.settings.seed, 0, turn])
            if self._clusters is None:
                self._order = generator.permutation(len(self.queries))
            else:
                self._order = by_topic(self._clusters, self.settings.queries_a_topic, generator)
        return int(self._order[place])

    def _curriculum_query(self, step: int, place: int) -> int:
        """Return the number of the query at a place in a step's batch, while there are not yet all to choose from."""
        first = min(self.settings.batch_size, len(self.queries))
        width = first + (len(self.queries) - first) * step // self._curriculum_steps
        order = np.random.default_rng([self.settings.seed, 2, step]).permutation(width)
        return int(self._by_entropy[order[place % width]])

    def _entropy(self, query: _Query) -> float:
        """Return the entropy of the teacher's distribution over a query's candidates, in nats."""
        weights = np.exp((query.utilities - query.utilities[0]) / self.settings.teacher_temperature)
        p = weights / weights.sum()
        return float(-(p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum())

    def _query(self, number: int) -> _Query:
        """Return an example as rows; of passages with the same text the one with the higher utility stays."""
        rows = self._texts.numbers[self._examples.rows[number]]
        utilities = self._examples.utilities[number]
        order = np.argsort(-utilities, kind="stable")
        order = order[np.sort(np.unique(rows[order], return_index=True)[1])]
        return _Query(self.queries[number], rows[order], utilities[order], self.known(number))

    def _check(self) -> None:
        """Raise NothingToDo where there is nothing to learn from."""
        examples = self._examples
        if not len(examples):
            raise NothingToDo("There is nothing to learn from: no query has scored candidates.", "Score some first.")
        for query, utilities in zip(examples.queries, examples.utilities, strict=True):
            if not len(utilities) or not np.isfinite(utilities).all():
                raise NothingToDo(f"Query {query.query_id!r} has no candidate, or one without a finite utility.")
        if self._collection_size == 0 and self.settings.negatives > 0:
            raise NothingToDo("There is no collection to draw negatives from.", "Pass its passages, or 0 negatives.")


class _Columns:
    """The distinct rows of a batch in the order in which they first come: the columns of its targets."""

    def __init__(self, rows: NDArray[np.integer]) -> None:
        self._sorted, firsts = np.unique(rows, return_index=True)
        order = np.argsort(firsts)
        self.rows = self._sorted[order]
        self._columns = np.empty(len(order), np.int64)  # of the sorted rows
        self._columns[order] = np.arange(len(order))

    def of(self, rows: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the columns of those rows that the batch holds, and which these are."""
        places = np.searchsorted(self._sorted, rows).clip(max=len(self._sorted) - 1)
        is_there = self._sorted[places] == rows
        return self._columns[places[is_there]], is_there


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
