"""Whether a ranking moved toward the teacher's, passage by passage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Displacement(NamedTuple):
    """One passage's place among the scored ones: how far from the teacher's place it was, and is."""

    passage_id: str
    before: int
    after: int

    @property
    def word(self) -> str:
        """Return which way it moved, in words; "" if it is as far as before."""
        if self.before == self.after:
            return ""
        return "toward the teacher" if self.after < self.before else "away from the teacher"


def displacements(utilities: Mapping[str, float], before: Sequence[str], after: Sequence[str]) -> list[Displacement]:
    """Return how far each scored passage is from the teacher's place for it, in places, before and after.

    Places are counted among the passages in `utilities`. Equal utilities share their places; a passage that a ranking
    leaves out counts as the one behind the last that it ranks, which is the best place it can have.
    """
    values = sorted(utilities.values(), reverse=True)
    first = {value: place for place, value in reversed(list(enumerate(values, 1)))}
    last = {value: place for place, value in enumerate(values, 1)}
    sides = []
    for ranking in (before, after):
        scored = [name for name in ranking if name in utilities]
        sides.append(({name: place for place, name in enumerate(scored, 1)}, len(scored) + 1))

    def distance(name: str, side: tuple[dict[str, int], int]) -> int:
        place, value = side[0].get(name, side[1]), utilities[name]
        return max(first[value] - place, place - last[value], 0)

    return [Displacement(name, distance(name, sides[0]), distance(name, sides[1])) for name in utilities]
