"""Losses made of nDCG: what a swap, or a smoothed rank, does to a measure of grades.

These need small non-negative grades, not utilities: an exponential gain of a utility in nats depends on where its zero
is. So the teacher's utilities become grades first, each query's by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.losses.pool import Pool, sort_by_utility

if TYPE_CHECKING:
    from torch import Tensor


def lambda_loss(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    levels: int = 4,
    mu: float = 0.0,
) -> Tensor:
    """Return the logistic loss in bits over pairs, each weighted by what swapping it changes in nDCG, summed.

    LambdaRank (Burges, MSR-TR-2010-82) in the form of LambdaLoss (Wang et al., CIKM 2018); `mu` adds that many times
    its NDCGLoss2 weights, and 10 is its NDCGLoss2++. Grades: see `grades`, with `levels` of them. Similarities that
    tie share the mean of their ranks. Neither `teacher_temperature` nor negatives play a part.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    return swap_losses(pool, grades(pool, levels), mu).mean()


def approx_ndcg(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    levels: int = 4,
) -> Tensor:
    """Return 1 - nDCG of the teacher's grades, with ranks made smooth so that they have a gradient.

    ApproxNDCG (Qin et al., Information Retrieval 13, 2010): a candidate's rank is 1 plus the sigmoids of how far each
    other one is ahead of it, the student's temperature saying how sharply. Grades: see `grades`; where all tie there
    is nothing to rank, and the loss is 0. Neither `teacher_temperature` nor negatives play a part.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    return one_minus_ndcg(pool, grades(pool, levels)).mean()


def grades(pool: Pool, levels: int) -> Tensor:
    """Return each candidate's grade, 0 to levels - 1, from its rank among the query's distinct utilities, (B, K).

    The best has the highest grade, the worst 0, those between lie evenly by their order; ties share a grade,
    and where all tie, all have 0. With four levels, grades of 0 to 3 that are all there come out as they are.
    """
    return ((levels - 1) * pool.relative_rank).round()


def swap_losses(pool: Pool, grade: Tensor, mu: float) -> Tensor:
    """Return the loss of LambdaRank plus mu times NDCGLoss2 for each query, (B,), of grades (B, K)."""
    from torch import logaddexp, zeros_like

    rank = _ranks(pool)
    discount = 1 / (1 + rank).log2()
    gain = _gains(pool, grade)
    # Ranks of different similarities are at least 1 apart; only ties are nearer, and are taken as neighbours.
    apart = (rank[:, :, None] - rank[:, None, :]).abs().clamp(min=1)
    weight = (discount[:, :, None] - discount[:, None, :]).abs()
    weight = weight + mu * (1 / (1 + apart).log2() - 1 / (2 + apart).log2())
    weight = weight * (gain[:, :, None] - gain[:, None, :]).abs()
    less_useful = pool.less_useful
    behind = (pool.logits[:, None, :] - pool.logits[:, :, None]).masked_fill(~less_useful, 0.0)
    bits = logaddexp(behind, zeros_like(behind)) / zeros_like(behind).add(2).log()
    return (weight * bits).masked_fill(~less_useful, 0.0).sum(dim=(1, 2))


def one_minus_ndcg(pool: Pool, grade: Tensor) -> Tensor:
    """Return 1 - approximated nDCG of each query, (B,), of grades (B, K); 0 where all grades are 0."""
    ahead = (pool.logits[:, None, :] - pool.logits[:, :, None]).sigmoid()
    # Each candidate is half ahead of itself, which rank 1 does not count.
    rank = 0.5 + ahead.masked_fill(~pool.present[:, None, :], 0.0).sum(dim=2)
    gain = _gains(pool, grade)
    return gain.any(dim=1).float() - (gain / (1 + rank).log2()).sum(dim=1)


def _ranks(pool: Pool) -> Tensor:
    """Return the student's ranks from 1, (B, K); ties share the mean of their ranks, absent candidates come last."""
    logits = pool.logits.detach()
    above = (logits[:, None, :] > logits[:, :, None]).sum(dim=2)
    equal = (logits[:, None, :] == logits[:, :, None]).sum(dim=2)
    return above + (equal + 1) / 2


def _gains(pool: Pool, grade: Tensor) -> Tensor:
    """Return (2^grade - 1) / the ideal DCG, (B, K); all 0 where all grades are 0."""
    from torch import arange

    gain = (2**grade - 1).masked_fill(~pool.present, 0.0)
    positions = arange(2, grade.shape[1] + 2, device=grade.device)
    ideal = (gain.sort(dim=1, descending=True).values / positions.log2()).sum(dim=1, keepdim=True)
    return gain / ideal.masked_fill(ideal == 0, 1.0)
