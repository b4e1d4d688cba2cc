"""From the likelihoods of reference answers to one utility, and the unit that this gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from workbench.errors import BadSetting
from workbench.records import AnswerLikelihood, Unit

Normalisation = Literal["mean", "sum"]
UNITS: dict[Normalisation, Unit] = {"mean": "nats per token", "sum": "nats"}


def check_normalisation(value: str) -> None:
    """Raise BadSetting for a normalisation that does not exist."""
    if value not in UNITS:
        raise BadSetting(f"normalisation is {value!r}.", "It is 'mean' or 'sum'.")


def best_gain(answers: Sequence[AnswerLikelihood], normalisation: Normalisation) -> float:
    """Return the largest gain in log-likelihood over some answers, per token of the answer for "mean"."""
    if normalisation == "mean":
        return max(answer.log_perplexity_reduction for answer in answers)
    return max(answer.log_likelihood_gain for answer in answers)
