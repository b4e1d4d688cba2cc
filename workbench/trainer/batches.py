"""Batches: which candidates and which negatives a step shows the student, and how each pair counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import NothingToDo
from workbench.records import Example, Passage
from workbench.trainer.settings import TrainSettings

# How a pair counts that carries no utility of its own.
NEGATIVE = float("-inf")
LEFT_OUT = float("inf")
# Fills the line of a query that has fewer hard negatives than others.
NOBODY = -1


class Batch(NamedTuple):
    """What one step reads: B queries, N distinct passages, and (B, N) targets.

    A target is the utility of a candidate of that query; NEGATIVE where the passage came with another query or at
    random; LEFT_OUT where it is a candidate or has a qrel for the query, but was not drawn for it.
    """

    queries: list[str]
    passages: list[str]
    targets: NDArray[np.float32]


class _Pool(NamedTuple):
    """One example, passages as rows: best first, one row a text; `known` are the rows never used as negatives."""

    text: str
    rows: NDArray[np.int64]
    utilities: NDArray[np.float64]
    known: frozenset[int]


class Batches:
    """Draws batches from examples; what a slot holds depends on the seed and its number alone.

    A slot is one query's turn: slots 0 to n-1 show each of n queries once, in random order, the next n once more;
    with a curriculum these begin after it. Nothing is remembered between two draws, so a training that resumes at
    step s reads what it would have read, if it is given the hard negatives again that were `mined`: rows of
    `collection`, (queries, hard), by the number of steps done when they were.
    """

    def __init__(self, examples: Sequence[Example], collection: Iterable[Passage], settings: TrainSettings) -> None:
        self.settings = settings
        self._texts: list[str] = []
        rows = self._read(collection, examples)
        # Negatives come from the collection only, candidates may lie outside it.
        self._pools = [_pool(example, rows) for example in examples]
        if not self._pools:
            raise NothingToDo("There is nothing to learn from: no query has scored candidates.", "Score some first.")
        self.questions = [pool.text for pool in self._pools]
        self.known = [pool.known for pool in self._pools]
        self.mined: dict[int, NDArray[np.int64]] = {}
        self._guided = round(settings.curriculum * settings.steps)
        if self._guided:
            self._surest = np.argsort([self._doubt(pool) for pool in self._pools], kind="stable")

    def batch(self, slots: Sequence[int]) -> Batch:
        """Return the batch of these slots."""
        asked = [self._query(slot) for slot in slots]
        pools = [self._pools[query] for query in asked]
        generators = [np.random.default_rng([self.settings.seed, 1, slot]) for slot in slots]
        drawn = [
            chosen(pool.utilities, self.settings.candidates, random)
            for pool, random in zip(pools, generators, strict=True)
        ]
        own = [pool.rows[taken] for pool, taken in zip(pools, drawn, strict=True)]
        others = [self._others(*each) for each in zip(slots, asked, generators, strict=True)]
        columns = {int(row): column for row, column in zip(dict.fromkeys(np.concatenate(own + others)), count())}
        targets = np.full((len(slots), len(columns)), NEGATIVE, dtype=np.float32)
        for line, pool, rows, taken in zip(targets, pools, own, drawn, strict=True):
            line[[columns[row] for row in pool.known if row in columns]] = LEFT_OUT
            line[[columns[int(row)] for row in rows]] = pool.utilities[taken]
        return Batch([pool.text for pool in pools], [self._texts[row] for row in columns], targets)

    @property
    def collection(self) -> list[str]:
        """Return the texts that negatives are drawn from, by row."""
        return self._texts[: self._collection]

    def mining_before(self, step: int) -> int:
        """Return after how many steps the hard negatives were mined that the step after `step` steps reads.

        Batches are drawn one step ahead (accelerate does, to know which is the last), so that what is mined after a
        step comes too late for the next one: it is for those after that.
        """
        return max(0, step - 1) // self.settings.refresh * self.settings.refresh

    def _others(self, slot: int, query: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Return the rows of a query's negatives: hard ones, or random ones where there are none."""
        if self.settings.refresh:
            hard = self.mined[self.mining_before(slot // self.settings.batch_size)][query]
            if len(hard := hard[hard != NOBODY]):
                return random.permutation(hard)[: self.settings.negatives]
        return random.integers(self._collection, size=self.settings.negatives)

    def _query(self, slot: int) -> int:
        """Return which query's turn a slot is."""
        step, place = divmod(slot, self.settings.batch_size)
        if step < self._guided:
            return self._guided_query(step, place)
        turn, place = divmod(slot - self._guided * self.settings.batch_size, len(self._pools))
        if getattr(self, "_turn", None) != turn:
            self._turn = turn
            self._order = np.random.default_rng([self.settings.seed, 0, turn]).permutation(len(self._pools))
        return int(self._order[place])

    def _guided_query(self, step: int, place: int) -> int:
        """Return the query of a place in a step's batch, while there are not yet all to choose from."""
        first = min(self.settings.batch_size, len(self._pools))
        width = first + (len(self._pools) - first) * step // self._guided
        order = np.random.default_rng([self.settings.seed, 2, step]).permutation(width)
        return int(self._surest[order[place % width]])

    def _doubt(self, pool: _Pool) -> float:
        """Return the entropy of the teacher's distribution over a query's candidates, in nats."""
        if self.settings.teacher_temperature is None:
            raise ValueError("The teacher's temperature is still open.")
        weights = np.exp((pool.utilities - pool.utilities[0]) / self.settings.teacher_temperature)
        p = weights / weights.sum()
        return float(-(p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum())

    def _read(self, collection: Iterable[Passage], examples: Sequence[Example]) -> dict[str, int]:
        """Give each distinct text a row and return the row of each passage id; the collection's rows come first."""
        row_of_text: dict[str, int] = {}
        rows: dict[str, int] = {}
        for passage in collection:
            rows[passage.passage_id] = row_of_text.setdefault(passage.content, len(row_of_text))
        self._collection = len(row_of_text)
        for example in examples:
            for passage in example.passages:
                rows.setdefault(passage.passage_id, row_of_text.setdefault(passage.content, len(row_of_text)))
        if self._collection == 0 and self.settings.negatives > 0:
            raise NothingToDo("There is no collection to draw negatives from.", "Pass its passages, or 0 negatives.")
        self._texts = list(row_of_text)
        return rows


def spread(examples: Iterable[Example]) -> float:
    """Return the teacher's natural temperature: the median over queries of their utilities' standard deviation.

    Divided by it, a softmax over candidates leaves a few effective positives whatever the teacher's unit is. Queries
    whose candidates are all of the same use say nothing about the unit.
    """
    deviations = [float(np.std(example.utilities)) for example in examples if example.utilities]
    if not (positive := [each for each in deviations if each > 0]):
        raise NothingToDo("There is nothing to learn from: the teacher finds all candidates of a query equally useful.")
    return float(np.median(positive))


def chosen(utilities: NDArray[np.float64], most: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return up to `most` positions of utilities that fall: the best, the others spread over the range of utility.

    The range below the best is cut into as many equal parts as there are places left. Each part gives one of its
    candidates; the places of empty parts go to any that are left. Stratified draws beat the top and random ones in
    distillation from scores (arXiv 2604.04734).
    """
    if len(utilities) <= most:
        return np.arange(len(utilities))
    rest, places = utilities[1:], most - 1
    # Random order first, so that the first of each part is a random one of it.
    order = random.permutation(len(rest))
    width = (rest[0] - rest[-1]) / max(places, 1)
    parts = ((rest[0] - rest[order]) // width).clip(max=places - 1) if width > 0 else np.zeros(len(rest))
    _, firsts = np.unique(parts, return_index=True)
    others = np.delete(np.arange(len(rest)), firsts)
    taken = order[np.concatenate([firsts, others])[:places]]
    return np.concatenate([[0], np.sort(taken) + 1])


def _pool(example: Example, rows: dict[str, int]) -> _Pool:
    """Return an example as rows; of passages with the same text the one with the higher utility stays."""
    if len(example.passages) != len(example.utilities):
        raise ValueError(f"Query {example.query.query_id!r} has not as many utilities as passages.")
    if not example.passages or not all(map(isfinite, example.utilities)):
        raise NothingToDo(f"Query {example.query.query_id!r} has no candidate, or one without a finite utility.")
    best: dict[int, float] = {}
    for passage, utility in sorted(zip(example.passages, example.utilities, strict=True), key=lambda pair: -pair[1]):
        best.setdefault(rows[passage.passage_id], utility)
    known = frozenset(rows[each] for each in example.known if each in rows) | best.keys()
    return _Pool(example.query.text, np.array(list(best)), np.array(list(best.values())), known)
