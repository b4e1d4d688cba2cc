"""Losses over pairs: of two candidates, or of the query and one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.losses.pool import ABSENT, masked_mean, sort_by_utility, with_negatives

if TYPE_CHECKING:
    from torch import Tensor


def margin_mse(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return the mean squared error of the margins between the teacher's best and each other candidate.

    Margin-MSE (Hofstaetter et al., arXiv 2010.02666). Both sides are divided by their temperature first, or a margin
    of nats could never be met by one of cosines. Candidates tied for the best each have margins to all the others, a
    margin of 0 to each other included. Negatives play no part: they have no utility to have a margin to.
    """
    from torch import eye

    pool = sort_by_utility(similarities, utilities, student_temperature)
    logits = pool.logits.masked_fill(~pool.present, 0.0)
    # The best is always in the first column, and equal to it are all that tie with it.
    wanted = pool.gap_to_best(teacher_temperature)[:, None, :]
    errors = (logits[:, :, None] - logits[:, None, :] - wanted) ** 2
    itself = eye(logits.shape[1], dtype=pool.best.dtype, device=logits.device)
    pairs = pool.best[:, :, None] & pool.present[:, None, :] & ~itself
    return masked_mean(errors, pairs).mean()


def ranknet(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return the mean logistic loss over pairs of candidates of different utility; negatives play no part.

    RankNet (Burges et al., ICML 2005): log(1 + exp(s_j - s_i)) where i is the more useful. Only the order counts, not
    by how much, nor `teacher_temperature`; ties have no pair.
    """
    from torch import logaddexp, zeros_like

    pool = sort_by_utility(similarities, utilities, student_temperature)
    less_useful = pool.less_useful
    behind = (pool.logits[:, None, :] - pool.logits[:, :, None]).masked_fill(~less_useful, 0.0)
    return masked_mean(logaddexp(behind, zeros_like(behind)), less_useful).mean()


def bce(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    centre: float = 0.5,
) -> Tensor:
    """Return the binary cross-entropy of each pair by itself, with sigmoid(utility / teacher_temperature) as target.

    The pointwise distillation of MemReranker (arXiv 2605.06132) as far as its abstract says. A utility of 0 is a
    target of one half, so where utilities have their zero matters; `centre` is the cosine that says one half. The
    mean over candidates, plus the mean over negatives, whose target is 0.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    pool = sort_by_utility(similarities.float() - centre, utilities, student_temperature)
    targets = (pool.utilities / teacher_temperature).sigmoid()
    logits = pool.logits.masked_fill(~pool.present, 0.0)
    value = masked_mean(cross_entropy(logits, targets, reduction="none"), pool.present)
    if negatives is not None:
        others = with_negatives(pool.logits[:, :0], negatives.float() - centre, student_temperature)
        unmasked = negatives > float("-inf")
        value = value + masked_mean(cross_entropy(others, others.new_zeros(others.shape), reduction="none"), unmasked)
    return value.mean()


def multi_similarity(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    share: float = 0.5,
    pull: float = 2.0,
    push: float = 50.0,
    centre: float = 0.5,
) -> Tensor:
    """Return a soft worst case of positives below a cosine and of all others above it.

    Multi-similarity (Wang et al., arXiv 1904.06627) without its choice of pairs: log(1 + sum exp(-pull (s -
    centre))) / pull over positives plus log(1 + sum exp(push (s - centre))) / push over the other candidates and the
    negatives. Positives are the candidates with at least `share` of the probability of the teacher's best. `pull` and
    `push` scale cosines, so `student_temperature` plays no part.
    """
    from torch import cat

    pool = sort_by_utility(similarities, utilities, 1.0)
    positive = pool.positives(share, teacher_temperature)
    near = (-pull * (pool.logits - centre)).masked_fill(~positive, ABSENT)
    others = with_negatives(pool.logits.masked_fill(positive, ABSENT), negatives, 1.0)
    far = (push * (others - centre)).clamp(min=ABSENT)
    one = near.new_zeros(len(near), 1)
    return (cat([near, one], 1).logsumexp(dim=1) / pull + cat([far, one], 1).logsumexp(dim=1) / push).mean()
