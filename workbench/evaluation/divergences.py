"""How alike two softmaxes over the same passages are: KL and Jensen-Shannon divergence, in nats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.errors import BadSetting
from workbench.evaluation.rank_correlation import Floats, Valued

TEMPERATURE = 1.0


def kl(first: Valued, second: Valued, temperature: float = TEMPERATURE, other: float | None = None) -> float | None:
    """Return KL(first || second) in nats, 0 and more, between the softmaxes of value / `temperature`.

    `other` is the second's temperature where it has its own. Over the ids that both rankings hold, since a value that
    was never given is not made up; None for fewer than two.
    """
    both = _shared(first, second, temperature, temperature if other is None else other)
    return None if both is None else _divergence(*both)


def jensen_shannon(
    first: Valued, second: Valued, temperature: float = TEMPERATURE, other: float | None = None
) -> float | None:
    """Return the Jensen-Shannon divergence in nats, 0 to log 2, of the softmaxes that `kl` compares.

    Scipy's `jensenshannon` is a distance: the square root of this.
    """
    both = _shared(first, second, temperature, temperature if other is None else other)
    if both is None:
        return None
    between: Floats = np.logaddexp(*both) - np.log(2)
    return (_divergence(both[0], between) + _divergence(both[1], between)) / 2


def probabilities(values: Sequence[float], temperature: float) -> Floats:
    """Return softmax(values / `temperature`), shape (n,)."""
    softmax: Floats = np.exp(_log_softmax(values, temperature))
    return softmax


def standardised(ranking: Valued) -> list[tuple[str, float]]:
    """Return the values with mean 0 and deviation 1: BM25's and a cosine's are of different units."""
    values = np.array([value for _, value in ranking], dtype=np.float64)
    # Equal values may differ from their own mean in the last digit, and so have a deviation.
    if not len(values) or np.ptp(values) == 0:
        return [(name, 0.0) for name, _ in ranking]
    scaled = (values - values.mean()) / values.std()
    return [(name, value) for (name, _), value in zip(ranking, scaled.tolist(), strict=True)]


def _shared(first: Valued, second: Valued, temperature: float, other: float) -> tuple[Floats, Floats] | None:
    """Return both log-softmaxes over the ids that both rankings hold, in one order; None for fewer than two."""
    mine, theirs = dict(first), dict(second)
    names = [name for name in mine if name in theirs]
    one, two = (
        _log_softmax([values[name] for name in names], divisor) if len(names) > 1 else None
        for values, divisor in ((mine, _above_0(temperature)), (theirs, _above_0(other)))
    )
    return None if one is None or two is None else (one, two)


def _above_0(temperature: float) -> float:
    if not temperature > 0:
        raise BadSetting(f"The temperature is {temperature:g}.", "Choose a number above 0.")
    return temperature


def _divergence(one: Floats, other: Floats) -> float:
    return max(0.0, float(np.sum(np.exp(one) * (one - other))))


def _log_softmax(values: Sequence[float], temperature: float) -> Floats:
    logits: Floats = np.asarray(values, dtype=np.float64) / temperature
    shifted: Floats = logits - logits.max()
    log_softmax: Floats = shifted - np.log(np.exp(shifted).sum())
    return log_softmax
