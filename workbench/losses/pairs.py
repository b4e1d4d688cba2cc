"""Losses over pairs: of two candidates, or of the query and one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.losses.rows import mean_of, ranked

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

    pool = ranked(similarities, utilities, student_temperature)
    logits = pool.logits.masked_fill(~pool.present, 0.0)
    # The best is always in the first column, and equal to it are all that tie with it.
    wanted = pool.shortfall(teacher_temperature)[:, None, :]
    errors = (logits[:, :, None] - logits[:, None, :] - wanted) ** 2
    itself = eye(logits.shape[1], dtype=pool.best.dtype, device=logits.device)
    pairs = pool.best[:, :, None] & pool.present[:, None, :] & ~itself
    return mean_of(errors, pairs).mean()


def ranknet(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return the mean logistic loss over pairs of candidates that the teacher tells apart; negatives play no part.

    RankNet (Burges et al., ICML 2005): log(1 + exp(s_j - s_i)) where i is the more useful. Only the order counts, not
    by how much, nor `teacher_temperature`; ties have no pair.
    """
    from torch import logaddexp, zeros_like

    pool = ranked(similarities, utilities, student_temperature)
    lower = pool.lower
    behind = (pool.logits[:, None, :] - pool.logits[:, :, None]).masked_fill(~lower, 0.0)
    return mean_of(logaddexp(behind, zeros_like(behind)), lower).mean()
