"""Losses of optimal transport: the cost of moving the student's probability to where the teacher's is.

Mass travels between the candidates of one query. That is not SyCL's Wasserstein loss (arXiv 2503.23239), which compares
Gaussians fitted to a batch of rows, nor SinKD (arXiv 2402.17110), which transports between the queries of a batch.
Negatives play no part: without a utility they have no place to travel from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.losses.pool import ABSENT, sort_by_utility

if TYPE_CHECKING:
    from torch import Tensor


def wasserstein(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return the 1-Wasserstein distance of teacher and student over the candidates, laid out by their utility.

    Mass that moves from one candidate to another costs the difference of their utilities in units of
    `teacher_temperature`: to confuse two that are equally useful is free, and the distance is never less than the
    utility the student's choices lose against the teacher's. On a line it is the area between the cumulative sums.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    p = pool.log_p(teacher_temperature).exp()
    ahead = (p - pool.log_q.exp()).masked_fill(~pool.present, 0.0).cumsum(dim=1)
    gaps = pool.gap_to_best(teacher_temperature).diff(dim=1).masked_fill(~pool.present[:, 1:], 0.0)
    return (ahead[:, :-1].abs() * gaps).sum(dim=1).mean()


def sinkhorn(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
    blur: float = 0.1,
    iterations: int = 20,
) -> Tensor:
    """Return the Sinkhorn divergence of teacher and student over the candidates, laid out by their relative rank.

    Mass that moves costs the squared difference of the candidates' ranks among the query's utilities, 0 the worst and
    1 the best, so the loss lies between 0 and 1 whatever the unit. `blur` weighs the entropy that smooths the
    transport. The bias it brings is taken off (Feydy et al., arXiv 1810.08278), so agreement costs nothing; the
    gradient is that of `iterations` steps, as many as are done.
    """
    pool = sort_by_utility(similarities, utilities, student_temperature)
    cost = (pool.relative_rank[:, :, None] - pool.relative_rank[:, None, :]) ** 2
    log_p = pool.log_p(teacher_temperature).masked_fill(~pool.present, ABSENT)
    log_q = pool.log_q.masked_fill(~pool.present, ABSENT)

    def soft_minimum(masses: Tensor, prices: Tensor) -> Tensor:
        """Return the soft minimum of cost less price over where mass can come from, for each place, (B, K)."""
        return -blur * (masses[:, None, :] + (prices[:, None, :] - cost) / blur).logsumexp(dim=2)

    # Prices of the transport from p to q at p and at q, and of those from p to p and from q to q.
    at_p = at_q = within_p = within_q = cost.new_zeros(log_p.shape)
    for _ in range(iterations):
        # All four in the same steps, halfway each: then they are equal, to the last bit, where p and q are.
        at_p, at_q = (at_p + soft_minimum(log_q, at_q)) / 2, (at_q + soft_minimum(log_p, at_p)) / 2
        within_p = (within_p + soft_minimum(log_p, within_p)) / 2
        within_q = (within_q + soft_minimum(log_q, within_q)) / 2
    return (log_p.exp() * (at_p - within_p) + log_q.exp() * (at_q - within_q)).sum(dim=1).mean()
