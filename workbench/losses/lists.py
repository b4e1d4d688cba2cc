"""Losses over the whole list of a query's candidates, in the teacher's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.losses.pool import Pool, contrastive_terms, masked_mean, sort_by_utility, teacher_distribution

if TYPE_CHECKING:
    from torch import Tensor


def listnet(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return the cross-entropy of the probabilities to be first, averaged over queries; negatives play no part.

    ListNet's top one form (Cao et al., ICML 2007): `kl` plus the teacher's entropy, so with the same gradient, and
    `utility_infonce` without negatives.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    p = teacher_distribution(pool.utilities, teacher_temperature)
    return -(p * pool.log_q).sum(dim=1).mean()


def listmle(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return -log of the probability of the teacher's order, averaged over queries; negatives play no part.

    ListMLE (Xia et al., ICML 2008): the order's probability under Plackett-Luce, one term a candidate against all
    below it. Only the order counts, nor does `teacher_temperature`. Candidates that tie are not contrasted with each
    other, so that neither their order in the batch nor chance decides.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    return _terms(pool).sum(dim=1).mean()


def p_listmle(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return ListMLE's terms weighted by place, the first places most; negatives play no part.

    p-ListMLE (Lan et al., UAI 2014): the weight of place i of n, from 1, is 2^(n - i) - 1, here over the sum of all,
    so that long lists do not outweigh short ones. Ties share the mean of their places' weights.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    weights = _place_weights(pool)
    return (weights * _terms(pool)).sum(dim=1).mean()


def pld(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return ListMLE's terms weighted by the teacher's probabilities; negatives play no part.

    Plackett-Luce distillation (arXiv 2506.12542), made for classes: there the true class is put first, here only
    the teacher decides what is first. `utility_infonce_c` is the same with negatives in every term.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    p = teacher_distribution(pool.utilities, teacher_temperature)
    return (p * _terms(pool)).sum(dim=1).mean()


def contrastive_partial_ranking(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    hard: int = 4,
) -> Tensor:
    """Return one InfoNCE term for each of the teacher's first few against all below it and the negatives, averaged.

    Our reading of contrastive partial ranking distillation (arXiv 2407.07479), whose equation we have not seen: the
    teacher's order is to be reproduced among the best and its hard negatives, which are here the first `hard`
    candidates (more where the last of them ties). Easier ones are only contrasted with these; their own order
    is ignored, as is how far apart utilities are, and `teacher_temperature`.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    less_useful = pool.less_useful
    terms = contrastive_terms(pool, less_useful, negatives, student_temperature)
    return masked_mean(terms, pool.present & (less_useful.sum(dim=1) < hard)).mean()


def _terms(pool: Pool) -> Tensor:
    """Return -log of each candidate's probability to come before all that are less useful, (B, K)."""
    return contrastive_terms(pool, pool.less_useful, None, 1.0)


def _place_weights(pool: Pool) -> Tensor:
    """Return 2^(n - place) - 1 over its sum, shared by ties, (B, K); all 0 for a single candidate."""
    from torch import arange

    # Divided by 2^n, which the sum takes out again: a list of 128 would overflow.
    places = arange(1, pool.present.shape[1] + 1, device=pool.logits.device)
    weights = 0.5**places - 0.5 ** pool.present.sum(dim=1, keepdim=True)
    weights = weights.masked_fill(~pool.present, 0.0)
    equal = pool.utilities[:, :, None] == pool.utilities[:, None, :]
    weights = (equal * weights[:, None, :]).sum(dim=2) / equal.sum(dim=2)
    total = weights.sum(dim=1, keepdim=True)
    return weights / total.masked_fill(total == 0, 1.0)
