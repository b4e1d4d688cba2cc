"""Continuations laid out for one forward: rows of token ids, what each token may see, and where answers are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.teachers.likelihood.sharing import Continuation, common_tokens
from workbench.teachers.likelihood.tokens import Ids

Integers = NDArray[np.int64]


class Layout(NamedTuple):
    """B rows of L tokens behind `shared` ones, of which N positions are scored for T answer tokens.

    A row holds one continuation, or several as a tree: tokens that they begin with alike stand in it once, and a
    token sees those before it in its own continuation only. `visible` then is (B, L, shared + L), and else (B,
    shared + L), false where a row is padded. The logits at (`rows`, `columns`) number `scored[t]` are those of
    `targets[t]`, a token of the continuation number `owners[t]`.
    """

    ids: Integers
    positions: Integers
    visible: NDArray[np.bool_]
    rows: Integers
    columns: Integers
    scored: Integers
    targets: Integers
    owners: Integers


class _Row:
    """A row that is being filled: its tokens, their positions, and spans of columns that others may see."""

    def __init__(self) -> None:
        self.ids: list[Ids] = []
        self.positions: list[Integers] = []
        self.seen: list[tuple[int, Integers, int]] = []  # first column, columns before it that it sees, end
        self.length = 0
        self._tokens: Ids = np.empty(0, dtype=np.int32)
        self._path = np.empty(0, dtype=np.int64)

    def add(self, tokens: Ids, shared: int) -> Integers:
        """Add a continuation's tokens behind the shared ones; return the column of each."""
        common = common_tokens(tokens, self._tokens)
        before, end = self._path[:common], self.length + len(tokens) - common
        self.seen.append((self.length, before, end))
        self.ids.append(tokens[common:])
        self.positions.append(np.arange(shared + common, shared + len(tokens)))
        self._tokens, self._path = tokens, np.concatenate([before, np.arange(self.length, end)])
        self.length = end
        return self._path


def lay_out(rows: Sequence[Sequence[Continuation]], shared: int) -> Layout:
    """Return the layout of continuations, row by row, whose first `shared` tokens are read already."""
    filled: list[_Row] = []
    at: list[tuple[int, int]] = []
    targets: list[Ids] = []
    owners: list[int] = []
    for number, continuations in enumerate(rows):
        row = _Row()
        filled.append(row)
        for one in continuations:
            path = row.add(np.concatenate([one.prompt[shared:], one.answer[:-1]]), shared)
            at.extend((number, int(column)) for column in path[-len(one.answer) :])
            targets.append(one.answer)
            owners.extend([len(targets) - 1] * len(one.answer))
    positions_of_logits, scored = np.unique(np.array(at, dtype=np.int64), axis=0, return_inverse=True)
    width = max(row.length for row in filled)
    ids, positions = (np.zeros((len(filled), width), dtype=np.int64) for _ in range(2))
    for number, row in enumerate(filled):
        ids[number, : row.length] = np.concatenate(row.ids)
        positions[number, : row.length] = np.concatenate(row.positions)
    return Layout(
        ids,
        positions,
        _visible(filled, width, shared, is_tree=any(len(row) > 1 for row in rows)),
        positions_of_logits[:, 0],
        positions_of_logits[:, 1],
        scored.reshape(-1),
        np.concatenate(targets).astype(np.int64),
        np.array(owners, dtype=np.int64),
    )


def _visible(rows: Sequence[_Row], width: int, shared: int, is_tree: bool) -> NDArray[np.bool_]:
    lengths = np.array([row.length for row in rows])
    if not is_tree:
        return np.arange(shared + width) < shared + lengths[:, None]
    visible = np.zeros((len(rows), width, shared + width), dtype=bool)
    visible[:, :, :shared] = True
    # Padding sees itself, since a token that sees nothing has no finite attention.
    visible[:, np.arange(width), shared + np.arange(width)] = True
    for number, row in enumerate(rows):
        behind = visible[number, :, shared:]
        for start, before, end in row.seen:
            behind[start:end, before] = True
            behind[start:end, start:end] = np.tri(end - start, dtype=bool)
    return visible
