"""The table of losses: a name, the function, and what it asks of a student in one line."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import BadSetting, UnknownName
from workbench.losses.divergences import js, kl, reverse_kl
from workbench.losses.gains import approx_ndcg, lambda_loss
from workbench.losses.infonce import infonce, utility_infonce, utility_infonce_b, utility_infonce_c, utility_infonce_d
from workbench.losses.lists import contrastive_partial_ranking, listmle, listnet, p_listmle, pld
from workbench.losses.pairs import bce, margin_mse, multi_similarity, ranknet
from workbench.losses.policy import policy_gradient
from workbench.losses.transport import sinkhorn, wasserstein

if TYPE_CHECKING:
    from torch import Tensor

Loss = Callable[..., "Tensor"]

_TABLE: dict[str, tuple[Loss, str]] = {
    "utility_infonce": (utility_infonce, "graded targets, and everything else in the batch as negatives"),
    "utility_infonce_b": (utility_infonce_b, "each positive on its own against all that are none, weighted by utility"),
    "utility_infonce_c": (utility_infonce_c, "each candidate against the less useful ones, weighted by utility"),
    "utility_infonce_d": (utility_infonce_d, "any positive before everything else, whichever it is"),
    "infonce": (infonce, "only the teacher's favourite counts"),
    "kl": (kl, "match the teacher's distribution over the candidates alone"),
    "reverse_kl": (reverse_kl, "be sure only where the teacher is"),
    "js": (js, "between kl and reverse_kl, and bounded: no query outweighs the others"),
    "listnet": (listnet, "the same lesson as kl; its value holds the teacher's entropy too"),
    "listmle": (listmle, "the teacher's whole order, by how much left aside"),
    "p_listmle": (p_listmle, "the teacher's whole order, the first places most"),
    "pld": (pld, "the teacher's whole order, each place as important as its utility"),
    "contrastive_partial_ranking": (contrastive_partial_ranking, "the order of the few best, before everything else"),
    "margin_mse": (margin_mse, "be as far behind the best as the teacher says"),
    "ranknet": (ranknet, "the right order of each two candidates, all alike important"),
    "lambda_loss": (lambda_loss, "the right order of each two candidates, those first that change nDCG most"),
    "approx_ndcg": (approx_ndcg, "a high nDCG of the teacher's grades, with smooth ranks"),
    "policy_gradient": (policy_gradient, "draw rankings, and make likelier those with a high nDCG"),
    "wasserstein": (wasserstein, "a mistake costs as much utility as it loses"),
    "sinkhorn": (sinkhorn, "a mistake costs by how many places it is off, smoothed"),
    "bce": (bce, "is this passage useful at all, each for itself"),
    "multi_similarity": (
        multi_similarity,
        "the useful above one cosine, all others below it, the worst offenders first",
    ),
}

LOSSES: dict[str, Loss] = {name: function for name, (function, _) in _TABLE.items()}


def meaning(name: str) -> str:
    """Return what a loss asks of a student, in one line without a full stop."""
    return _TABLE[known(name)][1]


def known(name: str) -> str:
    """Return the name of a loss as it is, or raise UnknownName."""
    if name not in LOSSES:
        raise UnknownName("loss", name, list(LOSSES), f"Known: {', '.join(LOSSES)}.")
    return name


class Range(NamedTuple):
    """What an option may be: between `low` and `high`, both included, and whole if it must."""

    low: float
    high: float
    whole: bool = False

    @property
    def in_words(self) -> str:
        """Return the range as a person would say it."""
        return f"{'a whole number' if self.whole else 'a number'} from {self.low:g} to {self.high:g}"


_RANGES = {
    "share": Range(0, 1),
    "alpha": Range(0, 1),
    "levels": Range(2, 10, whole=True),
    "mu": Range(0, 1_000),
    "hard": Range(1, 1_000, whole=True),
    "samples": Range(2, 10_000, whole=True),
    "blur": Range(0.001, 10),
    "iterations": Range(1, 10_000, whole=True),
    "centre": Range(-1, 1),
    "pull": Range(0.01, 1_000),
    "push": Range(0.01, 1_000),
}


def checked(name: str, option: str, value: float) -> float:
    """Return an option's value, or raise BadSetting where a loss has no such option or it cannot be that."""
    parameters = signature(LOSSES[name]).parameters.values()
    has = [each.name for each in parameters if each.kind is Parameter.KEYWORD_ONLY and each.name in _RANGES]
    if option not in has:
        hint = f"It has {', '.join(has)}." if has else "It has none."
        raise BadSetting(f"The loss {name} has no option {option!r}.", hint)
    allowed = _RANGES[option]
    if not allowed.low <= value <= allowed.high or (allowed.whole and not isinstance(value, int)):
        raise BadSetting(f"{option} of the loss {name} is {value!r}.", f"It must be {allowed.in_words}.")
    return value
