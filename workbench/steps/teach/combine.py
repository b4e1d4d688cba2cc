"""Combine: an ensemble of teachers that have scored already, as a teacher of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.results import counted
from workbench.steps.teach.derived import DerivedUtilities
from workbench.store import Store, views
from workbench.store.derived import NORMALISATIONS, derive_ensemble, lacking_pairs
from workbench.store.views.scored.teacher_names import ensemble_name


def combine(
    store: Store, teachers: Sequence[str], weights: Sequence[float] = (), normalisation: str = "z-score"
) -> DerivedUtilities:
    """Combine teachers' utilities, normalised per query, over the pairs that all of them have scored.

    A sum of normalised values is CombSUM (Fox and Shaw 1994), "rrf" is reciprocal rank fusion (Cormack, Clarke and
    Büttcher 2009). Called again after more was scored, it computes anew what that changes.

    Parameters
    ----------
    store : Store
        The workspace.
    teachers : sequence of str
        Two or more teachers, by name or its beginning.
    weights : sequence of float, optional
        A weight above 0 for each; all 1 unless given.
    normalisation : str
        "z-score", "min-max" (0 to 1) or "rank" (0 to 1, equal utilities sharing the mean of their ranks), of which the
        weighted mean is taken; "rrf", of which the weighted sum is: 1 / (60 + rank).

    Returns
    -------
    DerivedUtilities
        The ensemble's name, which holds parts, weights and normalisation, its unit, and which pairs are left out.

    Raises
    ------
    UnknownName
        There is no such teacher or normalisation.
    BadSetting
        There are fewer than two teachers, one comes twice, or the weights do not fit.
    NothingToDo
        There is no pair that all of them have scored.

    Examples
    --------
    >>> _ = wb.score(store, wb.teacher("lexical"), split="dev")
    >>> result = wb.combine(store, ["toy", "lexical"], weights=[2, 1], normalisation="rank")
    >>> result.unit, result.pairs
    ('share of range', 48)
    """
    if normalisation not in NORMALISATIONS:
        raise UnknownName("normalisation", normalisation, list(NORMALISATIONS))
    names = [views.find_teacher(store, name) for name in teachers]
    parts = dict(sorted(zip(names, _checked(names, weights), strict=True)))
    total = 1.0 if normalisation == "rrf" else sum(parts.values())
    name, unit = ensemble_name(normalisation, parts), NORMALISATIONS[normalisation][0]
    shares = [weight / total for weight in parts.values()]
    counts = derive_ensemble(store, name, list(parts), shares, normalisation)
    if not counts.pairs:
        raise NothingToDo(
            f"There is no pair that all of {', '.join(parts)} have scored.",
            "Score the same split with each of them first.",
        )
    return DerivedUtilities.of(name, unit, list(parts), counts, lacking_pairs(store, list(parts)))


def _checked(names: Sequence[str], weights: Sequence[float]) -> list[float]:
    """Return a weight for each teacher; raises BadSetting if they do not fit."""
    if len(names) < 2:
        raise BadSetting("An ensemble needs two teachers or more.", "Name them one after the other.")
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise BadSetting(f"{twice[0]} comes twice.", "Give it a larger weight instead.")
    given = [float(weight) for weight in weights] or [1.0] * len(names)
    if len(given) != len(names):
        raise BadSetting(
            f"There are {counted(len(given), 'weight')} for {counted(len(names), 'teacher')}.", "Give one for each."
        )
    if not all(math.isfinite(weight) and weight > 0 for weight in given):
        raise BadSetting("A weight is not above 0.", "Leave the teacher out, or give it a number above 0.")
    return given
