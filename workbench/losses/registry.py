"""The table of losses: each with its formula, what it rewards, its paper and its options; a line here adds one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import BadSetting, UnknownName
from workbench.losses import divergences, gains, infonce, lists, pairs, policy, transport

if TYPE_CHECKING:
    from torch import Tensor

Formula = Callable[..., "Tensor"]


class Range(NamedTuple):
    """The numbers that an option may be: between `low` and `high`, both included, and whole if it must."""

    low: float
    high: float
    whole: bool = False

    @property
    def in_words(self) -> str:
        """Return the range in words."""
        return f"{'a whole number' if self.whole else 'a number'} from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Loss:
    """One loss: a function of similarities, utilities and negatives, and what is shown of it.

    `meaning` says what it rewards, in one line without a full stop; `paper` where it comes from; `options` what each
    keyword of its own may be.
    """

    formula: Formula
    meaning: str
    paper: str
    options: Mapping[str, Range] = field(default_factory=dict)


SHARE = Range(0, 1)
LEVELS = Range(2, 10, whole=True)
CENTRE = Range(-1, 1)
OURS = "our reading of arXiv 2604.22722"

LOSSES: dict[str, Loss] = {
    "utility_infonce": Loss(
        infonce.utility_infonce, "the teacher's distribution as soft targets, all other passages as negatives", OURS
    ),
    "utility_infonce_b": Loss(
        infonce.utility_infonce_b, "each positive by itself against all non-positives, weighted by utility", OURS,
        {"share": SHARE},
    ),
    "utility_infonce_c": Loss(
        infonce.utility_infonce_c, "each candidate against the less useful ones, weighted by utility", OURS
    ),
    "utility_infonce_d": Loss(
        infonce.utility_infonce_d, "any positive before everything else, whichever it is", OURS, {"share": SHARE}
    ),
    "infonce": Loss(
        infonce.infonce, "the teacher's best candidate alone as the positive", "van den Oord et al., arXiv 1807.03748",
        {"alpha": SHARE},
    ),
    "kl": Loss(
        divergences.kl, "the teacher's distribution over the candidates alone", "Izacard et al., arXiv 2208.03299"
    ),
    "reverse_kl": Loss(
        divergences.reverse_kl, "probability only where the teacher puts it", "Gu et al., arXiv 2306.08543"
    ),
    "js": Loss(
        divergences.js, "between kl and reverse_kl, and bounded: no query outweighs the others", "Lin, IEEE IT 1991"
    ),
    "listnet": Loss(
        lists.listnet, "the same gradient as kl; its value includes the teacher's entropy", "Cao et al., ICML 2007"
    ),
    "listmle": Loss(
        lists.listmle, "the teacher's whole order, whatever the differences in utility", "Xia et al., ICML 2008"
    ),
    "p_listmle": Loss(lists.p_listmle, "the teacher's whole order, the first ranks most", "Lan et al., UAI 2014"),
    "pld": Loss(lists.pld, "the teacher's whole order, each rank weighted by its utility", "arXiv 2506.12542"),
    "contrastive_partial_ranking": Loss(
        lists.contrastive_partial_ranking, "the order of the few best, before everything else",
        "our reading of arXiv 2407.07479", {"hard": Range(1, 1_000, whole=True)},
    ),
    "margin_mse": Loss(
        pairs.margin_mse, "the teacher's margins between the best and each other", "Hofstätter et al., arXiv 2010.02666"
    ),
    "ranknet": Loss(
        pairs.ranknet, "the right order of each two candidates, all weighted alike", "Burges et al., ICML 2005"
    ),
    "lambda_loss": Loss(
        gains.lambda_loss, "the right order of each two candidates, weighted by the change in nDCG",
        "Wang et al., CIKM 2018", {"levels": LEVELS, "mu": Range(0, 1_000)},
    ),
    "approx_ndcg": Loss(
        gains.approx_ndcg, "a high nDCG of the teacher's grades, with smooth ranks", "Qin et al., IR 2010",
        {"levels": LEVELS},
    ),
    "policy_gradient": Loss(
        policy.policy_gradient, "sampled rankings, made likelier where their nDCG is high",
        "Gao et al., arXiv 2310.04407", {"samples": Range(2, 10_000, whole=True)},
    ),
    "wasserstein": Loss(
        transport.wasserstein, "a mistake costs as much utility as it loses", "1-Wasserstein distance on a line"
    ),
    "sinkhorn": Loss(
        transport.sinkhorn, "a mistake costs by how many ranks it is off, smoothed", "Feydy et al., arXiv 1810.08278",
        {"blur": Range(0.001, 10), "iterations": Range(1, 10_000, whole=True)},
    ),
    "bce": Loss(
        pairs.bce, "whether a passage is useful, each by itself", "arXiv 2605.06132", {"centre": CENTRE}
    ),
    "multi_similarity": Loss(
        pairs.multi_similarity, "positives above one cosine, all others below it, the worst of them most",
        "Wang et al., arXiv 1904.06627",
        {"share": SHARE, "pull": Range(0.01, 1_000), "push": Range(0.01, 1_000), "centre": CENTRE},
    ),
}  # fmt: skip


def named(name: str) -> Loss:
    """Return the loss of that name; raises UnknownName."""
    if name not in LOSSES:
        raise UnknownName("loss", name, list(LOSSES), f"Known: {', '.join(LOSSES)}.")
    return LOSSES[name]


def checked_option(name: str, option: str, value: float) -> float:
    """Return an option's value, or raise BadSetting where a loss has no such option or it cannot be that."""
    options = named(name).options
    if option not in options:
        hint = f"It has {', '.join(options)}." if options else "It has none."
        raise BadSetting(f"The loss {name} has no option {option!r}.", hint)
    allowed = options[option]
    if not allowed.low <= value <= allowed.high or (allowed.whole and not isinstance(value, int)):
        raise BadSetting(f"{option} of the loss {name} is {value!r}.", f"It must be {allowed.in_words}.")
    return value
