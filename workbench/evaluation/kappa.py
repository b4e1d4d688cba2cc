"""How far annotators agree beyond chance: Cohen's kappa for two, Krippendorff's alpha for any number."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Level = Literal["nominal", "ordinal"]
T = TypeVar("T", bound=Hashable)


def cohen_kappa(first: Mapping[T, Hashable], second: Mapping[T, Hashable]) -> tuple[float | None, int]:
    """Return kappa over the units that both judged, and how many those are (Cohen 1960, eq. 1).

    None where it is undefined: no unit in common, or both always say the same one thing.
    """
    shared = sorted(first.keys() & second.keys(), key=repr)
    values = sorted({of[unit] for of in (first, second) for unit in shared}, key=repr)
    if not shared:
        return None, 0
    counts = np.zeros((len(values), len(values)))
    for unit in shared:
        counts[values.index(first[unit]), values.index(second[unit])] += 1
    counts /= len(shared)
    chance = float(counts.sum(0) @ counts.sum(1))
    if np.isclose(chance, 1):
        return None, len(shared)
    return (float(np.trace(counts)) - chance) / (1 - chance), len(shared)


def krippendorff_alpha(
    units: Iterable[Sequence[T]], values: Sequence[T], level: Level = "nominal"
) -> tuple[float | None, int]:
    """Return alpha, and over how many units with two values or more (Krippendorff 2011, sections C and D).

    Each unit holds the values that it was given, by whomever; who gave it none is not in it. `values` are all
    there are, in their order for the ordinal level. None where alpha is undefined: nothing to compare, or all the same.
    """
    place = {value: at for at, value in enumerate(values)}
    coincidences, compared = np.zeros((len(values), len(values))), 0
    for unit in units:
        if len(unit) < 2:
            continue
        compared += 1
        counts = np.bincount([place[value] for value in unit], minlength=len(values)).astype(float)
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = coincidences.sum(1)
    distances = _distances(totals, level)
    expected = float((np.outer(totals, totals) * distances).sum())
    if not expected:
        return None, compared
    observed = float((coincidences * distances).sum())
    return 1 - float(totals.sum() - 1) * observed / expected, compared


def _distances(totals: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    """Return the squared distance of any two values: 0 or 1, or how many values lie between them."""
    if level == "nominal":
        return 1.0 - np.eye(len(totals))
    middle = np.cumsum(totals) - totals / 2
    return np.square(middle[:, None] - middle[None, :])
