"""What a teacher derived from others holds: the result of reading likelihoods anew and of combining teachers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from workbench.records import Unit
from workbench.results import Result, counted
from workbench.store.derived import DerivedCounts


@dataclass(frozen=True)
class DerivedUtilities(Result):
    """A teacher whose utilities were computed from stored ones, and what one call did to them.

    `pairs` are all it has now: `added` in this call, `changed` to another number, the others as before; `removed` ones
    are those that can no longer be computed, `not_finite` ones give no number. `lacking` says which of the `sources`
    lacks how many pairs that others have scored; such pairs are left out.
    """

    columns: ClassVar = {
        "teacher": "full name of the derived teacher",
        "unit": "unit of its utilities",
        "pairs": "pairs that it has a utility for",
        "added": "pairs that were new",
        "changed": "pairs that had another utility before",
        "removed": "pairs that it had before and that can no longer be computed",
        "not_finite": "pairs whose likelihoods give no finite number",
    }

    teacher: str
    unit: Unit
    sources: tuple[str, ...]
    pairs: int
    added: int
    changed: int
    removed: int
    not_finite: int
    lacking: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, teacher: str, unit: Unit, sources: Sequence[str], counts: DerivedCounts, lacking: Mapping[str, int]
    ) -> DerivedUtilities:
        """Return the result of writing a derived teacher."""
        return cls(teacher, unit, tuple(sources), *counts, lacking)

    @property
    def in_words(self) -> str:
        """Return how many pairs it has, what became of them, and which are left out."""
        changes = {"changed": self.changed, "removed": self.removed, "left out, as not finite": self.not_finite}
        words = f"{self.teacher}: {counted(self.pairs, 'pair')} in {self.unit}, {self.added:,} of them new"
        words += "".join(f", {count:,} {what}" for what, count in changes.items() if count)
        left_out = ", ".join(f"{teacher} lacks {count:,}" for teacher, count in self.lacking.items())
        return f"{words}." + (f" Left out are pairs that not all have scored: {left_out}." if left_out else "")

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return one row: the numbers of this call."""
        return [[getattr(self, column) for column in self.columns]]
