"""What the losses share: each query's candidates in the teacher's order, masked where there is none."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

# The logit of an absent candidate: exp() of it is 0, and unlike -inf it never turns into nan in a gradient.
ABSENT = -1e30


class Pool(NamedTuple):
    """The candidates of each query, the teacher's best first and absent ones last; each field is (B, K).

    A batch's table is as wide as all its passages together, but K here is only the most candidates that one query has:
    what compares candidates with each other takes K squared.
    """

    logits: Tensor  # cosines / student temperature, float32; ABSENT where there is no candidate
    utilities: Tensor  # float32; -inf where there is no candidate
    present: Tensor

    @property
    def log_q(self) -> Tensor:
        """The log of the student's distribution over the candidates, 0 where there is no candidate."""
        return self.logits.log_softmax(dim=1).masked_fill(~self.present, 0.0)

    def log_p(self, temperature: float) -> Tensor:
        """Return the log of the teacher's distribution over the candidates, 0 where there is no candidate."""
        scaled = (self.utilities / temperature).masked_fill(~self.present, ABSENT)
        return scaled.log_softmax(dim=1).masked_fill(~self.present, 0.0)

    @property
    def less_useful(self) -> Tensor:
        """Whether candidate j is less useful than candidate i, (B, i, j); of ties neither is."""
        both = self.present[:, :, None] & self.present[:, None, :]
        return both & (self.utilities[:, None, :] < self.utilities[:, :, None])

    @property
    def best(self) -> Tensor:
        """Which candidates are the teacher's best: one, or all that tie for it."""
        return self.utilities == self.utilities[:, :1]

    @property
    def relative_rank(self) -> Tensor:
        """The rank among the query's distinct utilities, from 0 for the worst to 1 for the best, by order alone.

        Ties share a rank; where all tie, it is 0, as it is for absent candidates.
        """
        from torch import zeros_like

        rank = zeros_like(self.logits)
        rank[:, 1:] = ((self.utilities[:, :-1] > self.utilities[:, 1:]) & self.present[:, 1:]).cumsum(dim=1)
        last = rank.amax(dim=1, keepdim=True)
        return ((last - rank) / last.clamp(min=1)).masked_fill(~self.present, 0.0)

    def gap_to_best(self, temperature: float) -> Tensor:
        """How far below the best each utility is, in units of `temperature`; 0 where there is no candidate."""
        return ((self.utilities[:, :1] - self.utilities) / temperature).masked_fill(~self.present, 0.0)

    def positives(self, share: float, temperature: float) -> Tensor:
        """Which candidates have at least that share of the probability that the teacher gives its best."""
        allowed = -log(share) if share > 0 else float("inf")
        return self.present & (self.gap_to_best(temperature) <= allowed)


def sort_by_utility(similarities: Tensor, utilities: Tensor, student_temperature: float) -> Pool:
    """Return each query's candidates in the teacher's order, without the columns that no query needs."""
    present = presence(utilities)
    utilities = utilities.float()
    order = utilities.argsort(dim=1, descending=True, stable=True)[:, : int(present.sum(dim=1).max())]
    present = present.gather(1, order)
    logits = (similarities.float().gather(1, order) / student_temperature).masked_fill(~present, ABSENT)
    return Pool(logits, utilities.gather(1, order), present)


def presence(utilities: Tensor) -> Tensor:
    """Return which candidates are present; a row without any, or a utility that is no number, is a caller's bug."""
    present = utilities > float("-inf")
    if not bool(present.any(dim=1).all()):
        raise ValueError("A query came without a single candidate that has a utility.")
    if bool((utilities == float("inf")).any()) or bool(utilities.isnan().any()):
        raise ValueError("A utility is infinite or not a number.")
    return present


def teacher_distribution(utilities: Tensor, temperature: float) -> Tensor:
    """Return softmax(utilities / temperature) over each row, (B, K); absent candidates get 0."""
    present = presence(utilities)
    scaled = (utilities.float() / temperature).masked_fill(~present, ABSENT)
    return scaled.softmax(dim=1).masked_fill(~present, 0.0)


def with_negatives(logits: Tensor, negatives: Tensor | None, student_temperature: float) -> Tensor:
    """Append the negatives' logits to the pool's."""
    from torch import cat

    if negatives is None:
        return logits
    masked = negatives == float("-inf")
    return cat([logits, (negatives.float() / student_temperature).masked_fill(masked, ABSENT)], dim=1)


def contrastive_terms(pool: Pool, against: Tensor, negatives: Tensor | None, student_temperature: float) -> Tensor:
    """Return the InfoNCE term of each candidate, (B, K): -log of its share of itself, `against` and all negatives.

    `against` (B, i, j) says whether candidate i is contrasted with candidate j. 0 where there is no candidate.
    """
    from torch import logaddexp, zeros_like

    others = pool.logits[:, None, :].masked_fill(~against, ABSENT).logsumexp(dim=2)
    if negatives is not None and negatives.shape[1]:
        logits = with_negatives(pool.logits[:, :0], negatives, student_temperature)
        others = logaddexp(others, logits.logsumexp(dim=1, keepdim=True))
    behind = (others - pool.logits).masked_fill(~pool.present, 0.0)
    # log(1 + exp(x)), exact where torch's own softplus switches to x above 20; at 0 it is log 2, so masked again.
    return logaddexp(behind, zeros_like(behind)).masked_fill(~pool.present, 0.0)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the values in the mask of each row, (B,); 0 for a row that has none.

    `mask` has the shape of `values`; everything after the first dimension is the row.
    """
    sums = values.masked_fill(~mask, 0.0).flatten(1).sum(dim=1)
    return sums / mask.flatten(1).sum(dim=1).clamp(min=1)
