"""Losses in the form of InfoNCE: candidates against the rest of the pool and passages without a utility.

The equation of Utility-Modulated InfoNCE (arXiv 2604.22722) is not public. The four `utility_infonce` losses are four
readings of its abstract, all ours; the first is the closest to it and the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.losses.pool import contrastive_terms, masked_mean, sort_by_utility, teacher_distribution, with_negatives

if TYPE_CHECKING:
    from torch import Tensor


def utility_infonce(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return the cross-entropy of the student's distribution under the teacher's, negatives included.

    With p = softmax(utilities / teacher_temperature) over the pool and q = softmax(similarities /
    student_temperature) over pool and negatives, L = -sum_i p_i log q_i, averaged over queries. Its gradient for a
    logit is q - p; without negatives it is KL(p || q) + H(p). Our reconstruction of the utility-modulated InfoNCE of
    arXiv 2604.22722, and the closest to its abstract.

    Shapes: `similarities` and `utilities` (B, K), `negatives` (B, M). Similarities are cosines, not yet divided by a
    temperature. A utility of -inf marks a candidate that is not there, a negative of -inf one that is masked. The
    same holds for the other losses here; all of them calculate in float32.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    all_logits = with_negatives(pool.logits, negatives, student_temperature)
    log_q = pool.logits - all_logits.logsumexp(dim=1, keepdim=True)
    p = teacher_distribution(pool.utilities, teacher_temperature)
    return -(p * log_q.masked_fill(~pool.present, 0.0)).sum(dim=1).mean()


def utility_infonce_b(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    share: float = 0.5,
) -> Tensor:
    """Return one InfoNCE term for each positive, weighted by the teacher; positives are no negatives of each other.

    Another reading of the loss of arXiv 2604.22722.
    Positives are the candidates with at least `share` of the probability of the teacher's best, their weights the
    teacher's probabilities, scaled to sum to 1; each is contrasted with all others and the negatives. With a
    share of 0 all candidates are positives, and there is something to learn only from negatives.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    positive = pool.positives(share, teacher_temperature)
    p = teacher_distribution(pool.utilities.masked_fill(~positive, float("-inf")), teacher_temperature)
    against = (pool.present & ~positive)[:, None, :].expand(-1, positive.shape[1], -1)
    return (p * contrastive_terms(pool, against, negatives, student_temperature)).sum(dim=1).mean()


def utility_infonce_c(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return one InfoNCE term for each candidate against the less useful ones, weighted by the teacher.

    Another reading of the loss of arXiv 2604.22722. Candidates are taken away one after the other in the teacher's
    order, negatives stay in every term: the sequential distillation of LLM-Embedder (arXiv 2310.07554) and BGE-M3
    (arXiv 2402.03216). Candidates that tie are not contrasted with each other, so that their order in the batch means
    nothing. Without negatives it is `pld`.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    p = teacher_distribution(pool.utilities, teacher_temperature)
    return (p * contrastive_terms(pool, pool.less_useful, negatives, student_temperature)).sum(dim=1).mean()


def utility_infonce_d(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    share: float = 0.5,
) -> Tensor:
    """Return -log of the student's probability of any positive, negatives included.

    Another reading of the loss of arXiv 2604.22722: the summed marginal likelihood of arXiv 2504.05220. Positives are
    the candidates with at least `share` of the probability of the teacher's best; how they share the student's mass is
    left to the student.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    positive = pool.positives(share, teacher_temperature)
    all_logits = with_negatives(pool.logits, negatives, student_temperature).logsumexp(dim=1)
    return (all_logits - pool.logits.masked_fill(~positive, float("-inf")).logsumexp(dim=1)).mean()


def infonce(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    alpha: float | None = None,
) -> Tensor:
    """Return -log q of the teacher's best candidate against the rest of the pool and the negatives.

    InfoNCE (van den Oord et al., arXiv 1807.03748) with the teacher's best as the positive; grades below the best
    are not used, nor is `teacher_temperature`. Candidates tied for the best are each a positive, none a negative of
    the others, and their terms are averaged.

    With `alpha`, where the best utility is above 0, candidates above alpha times it are treated as false negatives
    and left out (as in arXiv 2502.19712, with 0.6); the loss then depends on where utilities have their zero.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    others = pool.present & ~pool.best
    if alpha is not None:
        top = pool.utilities[:, :1]
        others = others & ~((top > 0) & (pool.utilities > alpha * top))
    against = others[:, None, :].expand(-1, others.shape[1], -1)
    terms = contrastive_terms(pool, against, negatives, student_temperature)
    return masked_mean(terms, pool.best).mean()
