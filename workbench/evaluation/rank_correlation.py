"""How alike two rankings of one query are by their order alone: RBO, Jaccard, Kendall, Spearman, tau-AP.

A ranking is a list of ids, best first, or of (id, value) pairs, where equal values tie. None stands for
undefined: too little was ranked. It is never a number, and never filled in.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting

Floats = NDArray[np.float64]
Valued = Sequence[tuple[str, float]]

PERSISTENCE = 0.9  # of RBO: the first ten ranks carry 86 % of the weight (Webber et al. 2010)


def rbo(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float | None:
    """Return the extrapolated rank-biased overlap, 0 to 1 (Webber, Moffat and Zobel 2010, equation 32).

    Lists may differ in length. Of two empty lists it is undefined (None); an empty one shares nothing with another (0).
    """
    if not 0 < p < 1:
        raise BadSetting(f"The persistence of RBO is {p:g}.", "Choose a number between 0 and 1, such as 0.9.")
    short, long = sorted((list(first), list(second)), key=len)
    if not short:
        return 0.0 if long else None
    overlap = _overlaps(short, long)
    s, depth = len(short), len(long)
    depths = np.arange(1, depth + 1)
    beyond = np.where(depths > s, overlap[s - 1] * (depths - s) / (s * depths), 0.0)
    seen = float(np.sum((overlap / depths + beyond) * p**depths))
    rest = (overlap[-1] - overlap[s - 1]) / depth + overlap[s - 1] / s
    return (1 - p) / p * seen + float(rest) * p**depth


def _overlaps(short: Sequence[str], long: Sequence[str]) -> Floats:
    """Return how many ids the lists share down to each depth of the longer one, shape (len(long),)."""
    place = {name: rank for rank, name in enumerate(short)}
    shared = np.zeros(len(long))
    for rank, name in enumerate(long):
        if name in place:
            shared[max(rank, place[name])] += 1
    return np.cumsum(shared)


def jaccard(first: Sequence[str], second: Sequence[str], k: int = 10) -> float | None:
    """Return the share of the ids in either top `k` that are in both, 0 to 1; None if both lists are empty."""
    one, other = set(first[:k]), set(second[:k])
    return len(one & other) / len(one | other) if one or other else None


def kendall(first: Valued, second: Valued) -> float | None:
    """Return Kendall's tau-b, -1 to 1, over the ids of either ranking; ids missing from one tie below all it ranks.

    None if one of the rankings ties all its ids.
    """
    from scipy.stats import kendalltau

    one, other = _together(first, second)
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(kendalltau(one, other).statistic)


def spearman(first: Valued, second: Valued) -> float | None:
    """Return Spearman's rank correlation, -1 to 1, equal values sharing the mean of their ranks; as `kendall` else."""
    from scipy.stats import rankdata

    one, other = _together(first, second)
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(rankdata(one), rankdata(other)).item(0, 1))


def tau_ap(truth: Valued, estimate: Valued) -> float | None:
    """Return the AP rank correlation, -1 to 1: an error near the top of `estimate` weighs more (Yilmaz et al. 2008).

    Ties, and ids missing from one ranking (which tie below all it ranks), stand for every order they could be in:
    the value is the mean over those orders (tau_AP,a of Urbano and Marrero 2017). None for fewer than two ids.
    """
    true, estimated = _together(truth, estimate)
    n = len(true)
    if n < 2:
        return None
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n))])
    seen: list[float] = []
    total = 0.0
    for _, group in groupby(sorted(zip((-estimated).tolist(), true.tolist(), strict=True)), key=itemgetter(0)):
        members = [value for _, value in group]
        higher, tied = len(seen), len(members) - 1
        # Among the `tied` others an id has 0 to all of them above it, each number equally likely, each other equally
        # often: its expected precision is the mean over m of (right above + m * right beside / tied) / (higher + m).
        inverse = harmonic[higher + tied] - harmonic[max(higher - 1, 0)]
        reached = tied + 1 if higher else tied  # nothing stands above the very first, which has no precision
        for value in members:
            share = (_right(members, value) - 0.5) / max(tied, 1)  # without itself
            precision = _right(seen, value) * inverse + share * (reached - higher * inverse)
            total += precision / (tied + 1)
        for value in members:
            insort(seen, value)
    return 2 / (n - 1) * float(total) - 1


def _right(ordered: Sequence[float], value: float) -> float:
    """Return how many of `ordered`, ascending, the truth puts above `value`; half of those that tie."""
    return len(ordered) - (bisect_left(ordered, value) + bisect_right(ordered, value)) / 2


def _together(first: Valued, second: Valued) -> tuple[Floats, Floats]:
    """Return both rankings' values of the ids in either, in one order; a missing id lies below the lowest."""
    names = list(dict.fromkeys([name for name, _ in first] + [name for name, _ in second]))
    sides = []
    for ranking in (dict(first), dict(second)):
        lowest = min(ranking.values(), default=0.0) - 1.0
        sides.append(np.array([ranking.get(name, lowest) for name in names], dtype=np.float64))
    return sides[0], sides[1]
