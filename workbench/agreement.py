"""How alike two rankings of one query are, with no judgement asked: tau-AP, Kendall, RBO, Jaccard, KL.

A ranking is a list of ids, best first, or of (id, value) pairs, where equal values tie. None stands for "cannot be
said": too little was ranked. It is never a number, and never filled in.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting

Floats = NDArray[np.float64]
Valued = Sequence[tuple[str, float]]

PERSISTENCE = 0.9  # of RBO: the first ten ranks carry 86 % of the weight (Webber et al. 2010)
TEMPERATURE = 1.0


def rbo(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float | None:
    """Return the extrapolated rank-biased overlap, 0 to 1 (Webber, Moffat and Zobel 2010, equation 32).

    Lists may differ in length. Two empty lists say nothing (None); an empty one shares nothing with another (0).
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
    found = np.zeros(len(long))
    for rank, name in enumerate(long):
        if name in place:
            found[max(rank, place[name])] += 1
    return np.cumsum(found)


def jaccard(first: Sequence[str], second: Sequence[str], k: int = 10) -> float | None:
    """Return the share of the ids in either top `k` that are in both, 0 to 1; None if both lists are empty."""
    one, other = set(first[:k]), set(second[:k])
    return len(one & other) / len(one | other) if one or other else None


def kendall(first: Valued, second: Valued) -> float | None:
    """Return Kendall's tau-b, -1 to 1, over the ids of either ranking; ids missing from one tie below all it ranks.

    None if one of the rankings tells no two ids apart.
    """
    from scipy.stats import kendalltau

    one, other = _together(first, second)
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(kendalltau(one, other).statistic)


def tau_ap(truth: Valued, estimate: Valued) -> float | None:
    """Return the AP rank correlation, -1 to 1: an error near the top of `estimate` weighs more (Yilmaz et al. 2008).

    Ties, and ids missing from one ranking (which tie below all it ranks), stand for every order they could be in:
    the value is the mean over those orders (tau_AP,a of Urbano and Marrero 2017). None for fewer than two ids.
    """
    true, said = _together(truth, estimate)
    n = len(true)
    if n < 2:
        return None
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n))])
    seen: list[float] = []
    total = 0.0
    for _, group in groupby(sorted(zip((-said).tolist(), true.tolist(), strict=True)), key=itemgetter(0)):
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
    """Return how many of `ordered`, ascending, the truth puts above `value`; half of those it does not tell apart."""
    return len(ordered) - (bisect_left(ordered, value) + bisect_right(ordered, value)) / 2


def kl(first: Valued, second: Valued, temperature: float = TEMPERATURE) -> float | None:
    """Return KL(first || second) in nats, 0 and more, between the softmaxes of value / `temperature`.

    Over the ids that both rankings hold, since a value that was never given is not made up; None for fewer than two.
    """
    if temperature <= 0:
        raise BadSetting(f"The temperature is {temperature:g}.", "Choose a number above 0.")
    mine, theirs = dict(first), dict(second)
    shared = [name for name in mine if name in theirs]
    if len(shared) < 2:
        return None
    one, other = (_log_softmax([values[name] / temperature for name in shared]) for values in (mine, theirs))
    return max(0.0, float(np.sum(np.exp(one) * (one - other))))


def standardised(ranking: Valued) -> list[tuple[str, float]]:
    """Return the values with mean 0 and deviation 1: BM25's and a cosine's are of different units."""
    values = np.array([value for _, value in ranking], dtype=np.float64)
    spread = float(values.std()) if len(values) else 0.0
    return [(name, (value - float(values.mean())) / spread if spread else 0.0) for name, value in ranking]


def _log_softmax(values: Sequence[float]) -> Floats:
    shifted: Floats = np.asarray(values, dtype=np.float64) - max(values)
    found: Floats = shifted - np.log(np.exp(shifted).sum())
    return found


def _together(first: Valued, second: Valued) -> tuple[Floats, Floats]:
    """Return both rankings' values of the ids in either, in one order; a missing id lies below the lowest."""
    names = list(dict.fromkeys([name for name, _ in first] + [name for name, _ in second]))
    sides = []
    for ranking in (dict(first), dict(second)):
        lowest = min(ranking.values(), default=0.0) - 1.0
        sides.append(np.array([ranking.get(name, lowest) for name in names], dtype=np.float64))
    return sides[0], sides[1]


class Contrast(NamedTuple):
    """A way to say how alike two rankings are: what it means, the value of equal ones, and who measures it."""

    meaning: str
    alike: float
    measure: Callable[[Valued, Valued, int], float | None]


def _ordered(ranking: Valued) -> list[tuple[str, float]]:
    # The run's own order settles its ties, so that a ranking agrees wholly with itself.
    return [(name, -float(rank)) for rank, (name, _) in enumerate(ranking)]


def _names(ranking: Valued) -> list[str]:
    return [name for name, _ in ranking]


CONTRASTS: dict[str, Contrast] = {
    "tauAP": Contrast(
        "AP correlation of the order after with the order before: 1 the same, -1 turned round; the top weighs most",
        1.0,
        lambda one, other, k: tau_ap(_ordered(one[: k or None]), _ordered(other[: k or None])),
    ),
    "RBO": Contrast(
        "rank-biased overlap, p = 0.9, extrapolated: 1 the same, 0 nothing shared; the top weighs most",
        1.0,
        lambda one, other, k: rbo(_names(one[: k or None]), _names(other[: k or None])),
    ),
    "Jaccard": Contrast(
        "share of the passages in either top that are in both: 1 the same, 0 none",
        1.0,
        lambda one, other, k: jaccard(_names(one), _names(other), k or 10),
    ),
    "KL": Contrast(
        "KL divergence in nats from before to after, over the passages both rank, similarities standardised per "
        "query, temperature 1: 0 the same",
        0.0,
        lambda one, other, k: kl(standardised(one[: k or None]), standardised(other[: k or None])),
    ),
}
NAMES = ("tauAP", "RBO", "Jaccard@10", "KL")


def find_contrast(name: str) -> tuple[Contrast, int] | None:
    """Return the contrast spelled `name`, such as "RBO" or "Jaccard@10", and its depth, 0 for all; None for others."""
    kind, _, depth = name.partition("@")
    found = CONTRASTS.get(kind)
    if not found or (depth and not (depth.isdecimal() and int(depth) > 0)) or name.endswith("@"):
        return None
    return found, int(depth or 0)


class Pull(NamedTuple):
    """One passage's place among the scored ones: how far from the teacher's place it was, and is."""

    passage_id: str
    before: int
    after: int

    @property
    def word(self) -> str:
        """Return which way it went, in words; "" if it is as far as before."""
        if self.before == self.after:
            return ""
        return "toward the teacher" if self.after < self.before else "away from the teacher"


def pulls(utilities: Mapping[str, float], before: Sequence[str], after: Sequence[str]) -> list[Pull]:
    """Return how far each scored passage is from the teacher's place for it, in places, before and after.

    Places are counted among the passages in `utilities`. Equal utilities share their places; a passage that a ranking
    leaves out counts as the one behind the last that it ranks, which is the best place it can have.
    """
    values = sorted(utilities.values(), reverse=True)
    first = {value: place for place, value in reversed(list(enumerate(values, 1)))}
    last = {value: place for place, value in enumerate(values, 1)}
    sides = []
    for ranking in (before, after):
        kept = [name for name in ranking if name in utilities]
        sides.append(({name: place for place, name in enumerate(kept, 1)}, len(kept) + 1))

    def distance(name: str, side: tuple[dict[str, int], int]) -> int:
        place, value = side[0].get(name, side[1]), utilities[name]
        return max(first[value] - place, place - last[value], 0)

    return [Pull(name, distance(name, sides[0]), distance(name, sides[1])) for name in utilities]


def pulled(found: Sequence[Pull]) -> str:
    """Return which way a query's passages went, taken together, in words; "" if nowhere."""
    return Pull("", sum(pull.before for pull in found), sum(pull.after for pull in found)).word
