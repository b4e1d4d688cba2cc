"""Teacher and student over many queries at once: how alike their softmaxes and their orders are, query by query.

Each measure is that of `divergences` and `rank_correlation`, to which the tests hold it; one after the other these
took twenty times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.evaluation.rank_correlation import PERSISTENCE, Valued

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
PAIR_CELLS = 2_000_000  # pairs of passages that are compared at once: 16 MB an array


class Pools(NamedTuple):
    """The passages of queries, each in the student's order; all arrays are (queries, most passages of a query).

    Beyond a query's passages `present` is False. `utility_rank` is the passage's rank by utility, ties by id.
    """

    utilities: Floats
    similarities: Floats
    utility_rank: Floats
    present: Flags

    @property
    def sizes(self) -> Floats:
        """Return how many passages each query has, shape (queries,)."""
        sizes: Floats = self.present.sum(axis=1).astype(np.float64)
        return sizes


def pools(utilities: Sequence[Mapping[str, float]], similarities: Sequence[Valued]) -> Pools:
    """Return queries' utilities and, of the same passages in the student's order, similarities."""
    sizes = [len(one) for one in similarities]
    shape = (len(sizes), max(sizes, default=0))
    filled = Pools(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.arange(shape[1]) < np.array(sizes)[:, None])
    for row, (of_teacher, ranked) in enumerate(zip(utilities, similarities, strict=True)):
        ranks = {name: rank for rank, name in enumerate(sorted(of_teacher, key=lambda name: (-of_teacher[name], name)))}
        filled.utilities[row, : sizes[row]] = [of_teacher[name] for name, _ in ranked]
        filled.similarities[row, : sizes[row]] = [value for _, value in ranked]
        filled.utility_rank[row, : sizes[row]] = [ranks[name] for name, _ in ranked]
    return filled


def parts(whole: Pools) -> Iterator[Pools]:
    """Yield the queries some at a time, so that the pairs of their passages fit into memory."""
    queries, most = whole.present.shape
    step = max(1, PAIR_CELLS // max(1, most**2))
    for start in range(0, queries, step):
        part = slice(start, start + step)
        yield Pools(whole.utilities[part], whole.similarities[part], whole.utility_rank[part], whole.present[part])


def log_softmax(values: Floats, present: Flags, temperature: float) -> Floats:
    """Return the log of each row's softmax over what is present, 0 elsewhere."""
    logits = np.where(present, values / temperature, -np.inf)
    shifted = logits - logits.max(axis=1, keepdims=True)
    normalised = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.where(present, normalised, 0.0)


def divergence(first: Floats, second: Floats, present: Flags) -> Floats:
    """Return KL(first || second) of log-probabilities, shape (queries,)."""
    divergences: Floats = np.where(present, np.exp(first) * (first - second), 0.0).sum(axis=1)
    return np.maximum(0.0, divergences)


def kl(whole: Pools, teacher_temperature: float, student_temperature: float) -> Floats:
    """Return KL(teacher || student) in nats."""
    return divergence(*_log_softmaxes(whole, teacher_temperature, student_temperature), whole.present)


def jensen_shannon(whole: Pools, teacher_temperature: float, student_temperature: float) -> Floats:
    """Return the Jensen-Shannon divergence of both softmaxes in nats."""
    both = _log_softmaxes(whole, teacher_temperature, student_temperature)
    between = np.logaddexp(*both) - np.log(2)
    return (divergence(both[0], between, whole.present) + divergence(both[1], between, whole.present)) / 2


def regret(whole: Pools) -> Floats:
    """Return the best utility less that of the student's first passage."""
    best: Floats = np.where(whole.present, whole.utilities, -np.inf).max(axis=1)
    return best - whole.utilities[:, 0]


def spearman(whole: Pools) -> Floats:
    """Return the rank correlation, equal values sharing the mean of their ranks; nan where one side is constant."""
    present = whole.present
    sides = [_centred(_mean_ranks(values, present), present) for values in (whole.utilities, whole.similarities)]
    product, *squares = (np.sum(a * b, axis=1) for a, b in (sides, sides[:1] * 2, sides[1:] * 2))
    return _divided(product, np.sqrt(squares[0] * squares[1]))


def kendall(whole: Pools) -> Floats:
    """Return Kendall's tau-b; nan where one side is constant."""
    one, other = (_signs(values, whole.present) for values in (whole.utilities, whole.similarities))
    product, *squares = (np.sum(a * b, axis=(1, 2)) for a, b in ((one, other), (one, one), (other, other)))
    return _divided(product, np.sqrt(squares[0] * squares[1]))


def rbo(whole: Pools) -> Floats:
    """Return the extrapolated rank-biased overlap of both orders, which are of the same passages."""
    most = whole.present.shape[1]
    depths = np.arange(1, most + 1)
    # A passage is shared from the deeper of its two ranks on.
    deeper = np.where(whole.present, np.maximum(whole.utility_rank, np.arange(most)), np.inf)
    overlap = (deeper[:, :, None] < depths).sum(axis=1)
    weighted = np.where(whole.present, overlap / depths * PERSISTENCE**depths, 0.0).sum(axis=1)
    whole_rbo: Floats = (1 - PERSISTENCE) / PERSISTENCE * weighted + PERSISTENCE**whole.sizes
    return whole_rbo


def tau_ap(whole: Pools) -> Floats:
    """Return the AP rank correlation of the student's order with the teacher's, the mean over the orders of ties."""
    estimate, truth = _signs(whole.similarities, whole.present), _signs(whole.utilities, whole.present)
    both = whole.present[:, :, None] & whole.present[:, None, :]
    # Of passage i (axis 1) and another j (axis 2): whether the teacher puts j above i; a tie counts half.
    right = np.where(both, (1 - truth) / 2, 0.0)
    above, beside = both & (estimate < 0), both & (estimate == 0) & ~np.eye(both.shape[1], dtype=bool)
    higher, tied = above.sum(axis=2), beside.sum(axis=2)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, both.shape[1] + 1))])
    inverse = harmonic[higher + tied] - harmonic[np.maximum(higher - 1, 0)]
    reached = np.where(higher > 0, tied + 1, tied)  # nothing stands above the very first, which has no precision
    share = np.where(beside, right, 0.0).sum(axis=2) / np.maximum(tied, 1)
    precision = np.where(above, right, 0.0).sum(axis=2) * inverse + share * (reached - higher * inverse)
    total = np.where(whole.present, precision / (tied + 1), 0.0).sum(axis=1)
    correlation: Floats = 2 / (whole.sizes - 1) * total - 1
    return correlation


def _log_softmaxes(whole: Pools, teacher_temperature: float, student_temperature: float) -> tuple[Floats, Floats]:
    return (
        log_softmax(whole.utilities, whole.present, teacher_temperature),
        log_softmax(whole.similarities, whole.present, student_temperature),
    )


def _signs(values: Floats, present: Flags) -> Floats:
    """Return the sign of values[:, i] - values[:, j] for each pair of passages that are there, (queries, i, j)."""
    both = present[:, :, None] & present[:, None, :]
    return np.where(both, np.sign(values[:, :, None] - values[:, None, :]), 0.0)


def _mean_ranks(values: Floats, present: Flags) -> Floats:
    # Half the sum of the signs is the rank from the middle, ties sharing their mean.
    ranks: Floats = _signs(values, present).sum(axis=2) / 2
    return ranks


def _centred(values: Floats, present: Flags) -> Floats:
    means = np.where(present, values, 0.0).sum(axis=1, keepdims=True) / present.sum(axis=1, keepdims=True)
    return np.where(present, values - means, 0.0)


def _divided(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.full_like(denominator, np.nan), where=denominator > 0)
