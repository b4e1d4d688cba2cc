"""Losses: how far a student's similarities are from a teacher's utilities, as one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.errors import UnknownName

if TYPE_CHECKING:
    from torch import Tensor

Loss = Callable[..., "Tensor"]

# Stands for "not there" among logits: exp() of it is 0, and unlike -inf it never turns into nan in a gradient.
_ABSENT = -1e30


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
    logit is q - p; without negatives it is KL(p || q) + H(p). A reconstruction of the utility-modulated InfoNCE of
    arXiv 2604.22722, whose equation is not public.

    Shapes: `similarities` and `utilities` (B, K), `negatives` (B, M). Similarities are cosines, not yet divided by a
    temperature. A utility of -inf marks a candidate that is not there, a negative of -inf one that is masked. The
    same holds for the other losses here; all of them calculate in float32.
    """
    present = _present(utilities)
    pool = (similarities.float() / student_temperature).masked_fill(~present, _ABSENT)
    log_q = pool - _with_negatives(pool, negatives, student_temperature).logsumexp(dim=1, keepdim=True)
    p = teacher_distribution(utilities, teacher_temperature)
    return -(p * log_q.masked_fill(~present, 0.0)).sum(dim=1).mean()


def kl(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return KL(teacher || student) over the pool, averaged over queries; negatives play no part.

    The retriever's loss of Atlas (Izacard et al., JMLR 2023) and REPLUG (Shi et al., NAACL 2024), but summed over
    candidates, not averaged, and not multiplied by a squared temperature.
    """
    present = _present(utilities)
    log_q = (similarities.float() / student_temperature).masked_fill(~present, _ABSENT).log_softmax(dim=1)
    log_p = (utilities.float() / teacher_temperature).masked_fill(~present, _ABSENT).log_softmax(dim=1)
    return (log_p.exp() * (log_p - log_q).masked_fill(~present, 0.0)).sum(dim=1).mean()


def infonce(
    similarities: Tensor,
    utilities: Tensor,
    negatives: Tensor | None = None,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> Tensor:
    """Return -log q of the teacher's best candidate against the rest of the pool and the negatives.

    InfoNCE (van den Oord et al., arXiv 1807.03748) with the teacher's best as the positive; grades below the best
    are not used, nor is `teacher_temperature`. Candidates tied for the best are each a positive, none a negative of
    the others, and their terms are averaged.
    """
    present = _present(utilities)
    best = present & (utilities >= utilities.masked_fill(~present, float("-inf")).amax(dim=1, keepdim=True))
    pool = similarities.float() / student_temperature
    rest = pool.masked_fill(best | ~present, _ABSENT)
    against = _with_negatives(rest, negatives, student_temperature).logsumexp(dim=1, keepdim=True)
    terms = (against - pool).masked_fill(~best, 0.0)
    # softplus(0) is log 2, not 0: masked a second time.
    costs = _softplus(terms).masked_fill(~best, 0.0)
    return (costs.sum(dim=1) / best.sum(dim=1)).mean()


def pull(vectors: Tensor, anchors: Tensor) -> Tensor:
    """Return the mean of 1 - cosine between vectors (n, d) and what they are to stay near, (n, d).

    What query drift compensation adds to its loss for queries and for passages, each with weight 1 (arXiv 2506.00037).
    """
    from torch.nn.functional import cosine_similarity

    return (1 - cosine_similarity(vectors.float(), anchors.float(), dim=1)).mean()


LOSSES: dict[str, Loss] = {"utility_infonce": utility_infonce, "kl": kl, "infonce": infonce}


def loss(name: str) -> Loss:
    """Return the loss of that name."""
    if name not in LOSSES:
        raise UnknownName("loss", name, list(LOSSES))
    return LOSSES[name]


def teacher_distribution(utilities: Tensor, temperature: float) -> Tensor:
    """Return softmax(utilities / temperature) over each row, (B, K); candidates at -inf get nothing."""
    present = _present(utilities)
    spread = (utilities.float() / temperature).masked_fill(~present, _ABSENT)
    return spread.softmax(dim=1).masked_fill(~present, 0.0)


def _present(utilities: Tensor) -> Tensor:
    """Return which candidates are there; a row without any, or a utility that is no number, is a caller's bug."""
    present = utilities > float("-inf")
    if not bool(present.any(dim=1).all()):
        raise ValueError("A query came without a single candidate that has a utility.")
    if bool((utilities == float("inf")).any()) or bool(utilities.isnan().any()):
        raise ValueError("A utility is infinite or not a number.")
    return present


def _with_negatives(pool: Tensor, negatives: Tensor | None, temperature: float) -> Tensor:
    """Append the negatives' logits to the pool's."""
    from torch import cat

    if negatives is None:
        return pool
    masked = negatives == float("-inf")
    return cat([pool, (negatives.float() / temperature).masked_fill(masked, _ABSENT)], dim=1)


def _softplus(logits: Tensor) -> Tensor:
    """Return log(1 + exp(x)), exact where torch's own switches to x above 20."""
    from torch import logaddexp, zeros_like

    return logaddexp(logits, zeros_like(logits))
