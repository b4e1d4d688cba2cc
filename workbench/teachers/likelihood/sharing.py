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


class Batch(NamedTuple):
    """Positions of continuations that are read together; their first `shared` tokens are the same."""

    members: list[int]
    shared: int


class _Run(NamedTuple):
    """Continuations from `start` to before `end`, in order of their tokens, and what reading them costs in tokens.

    They are read as one behind their `shared` first tokens, or else in `parts`.
    """

    start: int
    end: int
    shared: int
    cost: int
    parts: tuple[_Run, _Run] | None = None


def batches(
    continuations: Sequence[Continuation], token_budget: int, forward_cost: int | None = None
) -> Iterator[Batch]:
    """Yield batches of at most `token_budget` padded tokens to be read, the longest continuations first.

    With `forward_cost`, what several continuations begin with alike is read once wherever that saves more tokens than
    this: what two further forwards cost beside one over a full batch. The tokens of each continuation stay the same.
    """
    order: list[int] = []
    runs: list[_Run] = []
    if forward_cost is not None and len(continuations) > 1:
        order, runs = _shared_runs(continuations, forward_cost)
    grouped = [(run.shared, order[run.start : run.end]) for run in runs]
    together = {member for _, members in grouped for member in members}
    grouped.append((0, [member for member in range(len(continuations)) if member not in together]))
    cut = [batch for shared, members in grouped for batch in _cut(members, continuations, shared, token_budget)]
    yield from sorted(cut, key=lambda batch: -continuations[batch.members[0]].length)


def _cut(
    members: Sequence[int], continuations: Sequence[Continuation], shared: int, token_budget: int
) -> Iterator[Batch]:
    """Yield members, longest first, in batches whose tokens behind the shared ones keep within the budget."""
    longest_first = sorted(members, key=lambda member: -continuations[member].length)
    start = 0
    while start < len(members):
        width = continuations[longest_first[start]].length - shared
        size = max(1, token_budget // width)
        yield Batch(longest_first[start : start + size], shared)
        start += size


def _shared_runs(continuations: Sequence[Continuation], forward_cost: int) -> tuple[list[int], list[_Run]]:
    """Return the continuations in order of their tokens, and the runs in that order that are read as one.

    The last token of a prompt is never shared: its logits are those of the answer's first token.
    """
    beginnings = [one.prompt[:-1] for one in continuations]
    # Big-endian bytes compare as the numbers do, token after token.
    keys = [beginning.astype(">u4").tobytes() for beginning in beginnings]
    order = sorted(range(len(continuations)), key=keys.__getitem__)
    common = [_common(beginnings[one], beginnings[other]) for one, other in pairwise(order)]
    root = _cheapest([continuations[member].length for member in order], common, forward_cost)
    runs, open_runs = [], [root]
    while open_runs:
        run = open_runs.pop()
        if run.parts:
            open_runs.extend(run.parts)
        elif run.shared:
            runs.append(run)
    return order, runs


def _cheapest(lengths: Sequence[int], common: Sequence[int], forward_cost: int) -> _Run:
    """Return the run over all sequences, parted so that the fewest tokens are read.

    `common` counts the tokens that a sequence and the next begin with alike. Neighbours are joined by falling
    `common`, and for every run it is known which is cheaper: to read it as one, or its parts each for itself.
    """
    before = np.concatenate([[0], np.cumsum(lengths)])
    beginning = {at: _Run(at, at + 1, 0, length) for at, length in enumerate(lengths)}
    ending = {run.end: run for run in beginning.values()}
    run = beginning[0]
    for border in sorted(range(len(common)), key=lambda at: -common[at]):
        left, right, shared = ending[border + 1], beginning[border + 1], common[border]
        start, end = left.start, right.end
        as_one = forward_cost + int(before[end] - before[start]) - (end - start - 1) * shared
        apart = left.cost + right.cost
        run = _Run(start, end, shared, as_one) if as_one < apart else _Run(start, end, 0, apart, (left, right))
        beginning[start] = ending[end] = run
    return run


def _common(one: Ids, other: Ids) -> int:
    """Return how many tokens two sequences begin with alike."""
    length = min(len(one), len(other))
    differing = np.flatnonzero(one[:length] != other[:length])
    return int(differing[0]) if differing.size else length
