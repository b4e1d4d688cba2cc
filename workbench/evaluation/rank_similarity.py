"""The rank similarities of two runs, by name: "RBO", "Jaccard@10"."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from workbench.evaluation.divergences import kl, standardised
from workbench.evaluation.rank_correlation import Valued, jaccard, rbo, tau_ap


class RankSimilarity(NamedTuple):
    """How alike two rankings are: what it means, the value of equal rankings, and its function."""

    meaning: str
    alike: float
    measure: Callable[[Valued, Valued, int], float | None]


def _ordered(ranking: Valued) -> list[tuple[str, float]]:
    # The run's own order settles its ties, so that a ranking agrees wholly with itself.
    return [(name, -float(rank)) for rank, (name, _) in enumerate(ranking)]


def _names(ranking: Valued) -> list[str]:
    return [name for name, _ in ranking]


RANK_SIMILARITIES: dict[str, RankSimilarity] = {
    "tauAP": RankSimilarity(
        "AP correlation of the order after with the order before: 1 the same, -1 reversed; the top weighs most",
        1.0,
        lambda one, other, k: tau_ap(_ordered(one[: k or None]), _ordered(other[: k or None])),
    ),
    "RBO": RankSimilarity(
        "rank-biased overlap, p = 0.9, extrapolated: 1 the same, 0 nothing shared; the top weighs most",
        1.0,
        lambda one, other, k: rbo(_names(one[: k or None]), _names(other[: k or None])),
    ),
    "Jaccard": RankSimilarity(
        "share of the passages in either top that are in both: 1 the same, 0 none",
        1.0,
        lambda one, other, k: jaccard(_names(one), _names(other), k or 10),
    ),
    "KL": RankSimilarity(
        "KL divergence in nats from before to after, over the passages both rank, similarities standardised per "
        "query, temperature 1: 0 the same",
        0.0,
        lambda one, other, k: kl(standardised(one[: k or None]), standardised(other[: k or None])),
    ),
}
NAMES = ("tauAP", "RBO", "Jaccard@10", "KL")


def find_rank_similarity(name: str) -> tuple[RankSimilarity, int] | None:
    """Return the rank similarity spelled `name`, such as "RBO" or "Jaccard@10", and its depth, 0 for all; else None."""
    kind, _, depth = name.partition("@")
    similarity = RANK_SIMILARITIES.get(kind)
    if not similarity or (depth and not (depth.isdecimal() and int(depth) > 0)) or name.endswith("@"):
        return None
    return similarity, int(depth or 0)
