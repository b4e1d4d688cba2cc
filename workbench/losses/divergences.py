"""Losses that compare the student's distribution over the candidates with the teacher's; negatives play no part."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from workbench.losses.pool import sort_by_utility

if TYPE_CHECKING:
    from torch import Tensor


def kl(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return KL(teacher || student) over the pool, averaged over queries; negatives play no part.

    The retriever's loss of Atlas (Izacard et al., arXiv 2208.03299) and REPLUG (Shi et al., arXiv 2301.12652), but
    summed over candidates, not averaged, and not multiplied by a squared temperature.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    log_p = pool.log_p(teacher_temperature)
    return _divergence(log_p, pool.log_q, pool.present)


def reverse_kl(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return KL(student || teacher) over the pool, averaged over queries; negatives play no part.

    It asks the student to be sure only where the teacher is, and may leave out what the teacher also finds good; as a
    distillation loss in MiniLLM (Gu et al., arXiv 2306.08543). It has no bound: with utilities far apart for their
    temperature it grows with them.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    log_p = pool.log_p(teacher_temperature)
    return _divergence(pool.log_q, log_p, pool.present)


def js(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return the Jensen-Shannon divergence of teacher and student over the pool, in nats; negatives play no part.

    Half of KL to the mean of both from either side (Lin, IEEE Trans. Information Theory 37, 1991): at most log 2,
    so a single query cannot outweigh a batch. Not its square root, which is what scipy's `jensenshannon` returns.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    log_p, log_q = pool.log_p(teacher_temperature), pool.log_q
    middle = log_p.logaddexp(log_q) - log(2)
    return (_divergence(log_p, middle, pool.present) + _divergence(log_q, middle, pool.present)) / 2


def _divergence(log_a: Tensor, log_b: Tensor, present: Tensor) -> Tensor:
    """Return KL(a || b), averaged over queries."""
    return (log_a.exp() * (log_a - log_b)).masked_fill(~present, 0.0).sum(dim=1).mean()
