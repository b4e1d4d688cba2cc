"""Losses over sampled rankings: those with a higher nDCG of the teacher's utilities become likelier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.losses.pool import ABSENT, sort_by_utility, teacher_distribution, with_negatives

if TYPE_CHECKING:
    from torch import Tensor


def policy_gradient(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    samples: int = 16,
) -> Tensor:
    """Return 1 - mean nDCG of rankings drawn from the student, with the policy gradient of its expectation.

    Neural PG-RANK (Gao et al., arXiv 2310.04407): rankings of candidates and negatives come from Plackett-Luce over
    the student's logits, and the baseline of each is the mean of the others (leave-one-out REINFORCE). The gain of a
    candidate is the teacher's probability, of a negative 0. An estimate, from torch's random numbers: the same state
    gives the same value; the fewer `samples`, the noisier.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    logits = with_negatives(pool.logits, negatives, student_temperature)
    gains = logits.new_zeros(logits.shape)
    gains[:, : pool.logits.shape[1]] = teacher_distribution(pool.utilities, teacher_temperature)
    log_probability, ndcg = _draw(logits.expand(samples, -1, -1), gains)
    advantage = ndcg - (ndcg.sum(dim=0) - ndcg) / (samples - 1)
    surrogate = -(advantage * log_probability).mean(dim=0)
    # The surrogate has the gradient and no value, the nDCG the value and no gradient.
    return (1 - ndcg.mean(dim=0) + surrogate - surrogate.detach()).mean()


def _draw(logits: Tensor, gains: Tensor) -> tuple[Tensor, Tensor]:
    """Draw a ranking for each row of (S, B, N) logits; return its log probability and its nDCG of (B, N) gains."""
    from torch import arange, empty_like

    # Gumbel noise is -log of an exponential variable; logits plus it, sorted, are a draw from Plackett-Luce.
    noise = -empty_like(logits).exponential_().log()
    order = (logits.detach() + noise).argsort(dim=2, descending=True)
    drawn = logits.gather(2, order)
    remaining = drawn.flip(2).logcumsumexp(dim=2).flip(2)
    log_probability = (drawn - remaining).masked_fill(drawn <= ABSENT / 2, 0.0).sum(dim=2)
    discount = 1 / arange(2, logits.shape[2] + 2, device=logits.device).log2()
    ideal = (gains.sort(dim=1, descending=True).values * discount).sum(dim=1)
    dcg = (gains.expand_as(logits).gather(2, order) * discount).sum(dim=2)
    return log_probability, dcg / ideal
