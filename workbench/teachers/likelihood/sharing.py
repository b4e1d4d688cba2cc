"""Which continuations begin alike, and the batches in which what they share is read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from workbench.teachers.likelihood.tokens import Ids


class Continuation(NamedTuple):
    """A prompt and the tokens to be scored behind it, both at least one token long."""

    prompt: Ids
    answer: Ids

    @property
    def length(self) -> int:
        """Return how many tokens the model reads: all but the last, whose successor is not scored."""
        return len(self.prompt) + len(self.answer) - 1


class Sharing(NamedTuple):
    """How a model can read what continuations begin with alike once.

    From kept keys and values, where that saves more than `forward_cost` tokens, what two further forwards cost beside
    one over a full batch; None if it cannot. And as a tree of at most `row_tokens` tokens in one row; 0 if it cannot.
    """

    forward_cost: int | None = None
    row_tokens: int = 0


class Batch(NamedTuple):
    """Positions of continuations that are read together, row by row; their first `shared` tokens are the same."""

    rows: list[list[int]]
    shared: int

    @property
    def members(self) -> list[int]:
        """Return the positions of all continuations, in the order in which they are read."""
        return [member for row in self.rows for member in row]

    @property
    def counts(self) -> list[int]:
        """Return how many continuations stand in each row."""
        return [len(row) for row in self.rows]


class _Row(NamedTuple):
    """Continuations that stand in one row, and its length in tokens."""

    members: list[int]
    length: int


class _Run(NamedTuple):
    """Continuations from `start` to before `end`, in order of their tokens, and what reading them costs in tokens.

    They are read behind their `shared` first tokens, or as a tree, or else in `parts`. They have `total` tokens, and
    `distinct` ones where what neighbours begin with alike counts once.
    """

    start: int
    end: int
    shared: int
    cost: int
    total: int
    distinct: int
    parts: tuple[_Run, _Run] | None = None


def batches(continuations: Sequence[Continuation], token_budget: int, sharing: Sharing) -> Iterator[Batch]:
    """Yield batches of at most `token_budget` padded tokens to be read, the longest rows first.

    What several continuations begin with alike is read once wherever `sharing` makes that pay. The tokens of each
    continuation stay the same.
    """
    if not continuations:
        return
    capacity = min(sharing.row_tokens, token_budget)
    order, common = _in_order(continuations)
    # The last token of a prompt is in no past: its logits are those of the answer's first token.
    rooms = [len(continuations[member].prompt) - 1 for member in order]
    in_prompts = [min(alike, *room) for alike, room in zip(common, pairwise(rooms), strict=True)]
    lengths = [continuations[member].length for member in order]
    apart: list[_Row] = []
    cut: list[tuple[int, Batch]] = []
    for run in _runs(lengths, in_prompts, sharing._replace(row_tokens=capacity)):
        members = order[run.start : run.end]
        if run.shared:
            rows = _trees(members, common[run.start : run.end - 1], continuations, run.shared, capacity)
            cut.extend(_cut(rows, run.shared, token_budget))
        else:
            apart.append(_Row(members, run.distinct))
    cut.extend(_cut(apart, 0, token_budget))
    yield from (batch for _, batch in sorted(cut, key=lambda one: -one[0]))


def _cut(rows: Sequence[_Row], shared: int, token_budget: int) -> Iterator[tuple[int, Batch]]:
    """Yield rows, longest first, in batches whose tokens keep within the budget, with the longest row's length."""
    longest_first = sorted(rows, key=lambda row: -row.length)
    start = 0
    while start < len(rows):
        length = longest_first[start].length + shared
        size = max(1, token_budget // length)
        yield length, Batch([row.members for row in longest_first[start : start + size]], shared)
        start += size


def _trees(
    members: Sequence[int], common: Sequence[int], continuations: Sequence[Continuation], shared: int, capacity: int
) -> list[_Row]:
    """Return rows of at most `capacity` tokens behind the shared ones, but always of one continuation."""
    rows: list[_Row] = []
    for member, alike in zip(members, (0, *common), strict=True):
        added = continuations[member].length - max(alike, shared)
        if rows and rows[-1].length + added <= capacity:
            rows[-1] = _Row([*rows[-1].members, member], rows[-1].length + added)
        else:
            rows.append(_Row([member], continuations[member].length - shared))
    return rows


def _in_order(continuations: Sequence[Continuation]) -> tuple[list[int], list[int]]:
    """Return the continuations in order of what is read of them, and how much of it each and the next begin with."""
    inputs = [np.concatenate([one.prompt, one.answer[:-1]]) for one in continuations]
    # Big-endian bytes compare as the numbers do, token after token.
    keys = [tokens.astype(">u4").tobytes() for tokens in inputs]
    order = sorted(range(len(continuations)), key=keys.__getitem__)
    return order, [common_tokens(inputs[one], inputs[other]) for one, other in pairwise(order)]


def _runs(lengths: Sequence[int], common: Sequence[int], sharing: Sharing) -> Iterator[_Run]:
    """Yield the runs that are read as one, parted so that the fewest tokens are read.

    `common` counts the tokens that a sequence and the next begin with alike. Neighbours are joined by falling
    `common`, and for every run it is known which is cheapest: to read it behind what it shares, as one tree, or its
    parts each for itself.
    """
    beginning = {at: _Run(at, at + 1, 0, length, length, length) for at, length in enumerate(lengths)}
    ending = {run.end: run for run in beginning.values()}
    run = beginning[0]
    for border in sorted(range(len(common)), key=lambda at: -common[at]):
        run = _joined(ending[border + 1], beginning[border + 1], common[border], sharing)
        beginning[run.start] = ending[run.end] = run
    open_runs = [run]
    while open_runs:
        run = open_runs.pop()
        if run.parts:
            open_runs.extend(run.parts)
        else:
            yield run


def _joined(left: _Run, right: _Run, shared: int, sharing: Sharing) -> _Run:
    """Return two neighbours as one run, read in the cheapest way."""
    total, distinct = left.total + right.total, left.distinct + right.distinct - shared
    run = _Run(left.start, right.end, 0, left.cost + right.cost, total, distinct, (left, right))
    ways = [run]
    if distinct <= sharing.row_tokens:
        ways.append(run._replace(cost=distinct, parts=None))
    if shared and sharing.forward_cost is not None:
        count = run.end - run.start
        behind = total - (count - 1) * shared
        if sharing.row_tokens:
            # Where a row ends, the next one repeats what its first continuation shares with the last one.
            borders = (distinct - shared) // sharing.row_tokens
            behind = min(behind, distinct + borders * (total // count - shared))
        ways.append(run._replace(shared=shared, cost=sharing.forward_cost + behind, parts=None))
    return min(ways, key=lambda way: way.cost)


def common_tokens(one: Ids, other: Ids) -> int:
    """Return how many tokens two sequences begin with alike."""
    length = min(len(one), len(other))
    differing = np.flatnonzero(one[:length] != other[:length])
    return int(differing[0]) if differing.size else length
