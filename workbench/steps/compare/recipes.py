"""Recipes: students that differ in their seed alone, taken together and held against their base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple

from workbench.evaluation.significance import Comparison, Interval, adjusted, compare
from workbench.steps.compare.diff import Values

LEVEL = 0.05
Verdict = Literal["better", "worse", "not shown to be better", "not evaluated"]


class Spread(NamedTuple):
    """A mean over seeds with their standard deviation (n - 1), which one seed does not have."""

    mean: float
    deviation: float | None
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f}" if self.deviation is None else f"{self.mean:.3f} ± {self.deviation:.3f}"


@dataclass(frozen=True)
class LeaderboardRow:
    """One student: how it was made, what that cost, how it did on dev, and its measures where it was evaluated.

    A base, bm25 or an imported run has no teacher. `settings` hold what was used where a setting was `left_open`.
    `pairs` are those of query and scored passage that it was shown at most; `finished` says that its training was not
    asked to stop. `measures` is empty for a student that was not evaluated on the split; `stale` if the passages have
    changed since it was. Students of equal `recipe` differ in their seed alone.
    """

    student: str
    base: str = ""
    teacher: str = ""
    loss: str = ""
    seed: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    left_open: frozenset[str] = frozenset()
    dev_measure: str = ""
    dev_before: float | None = None
    dev_after: float | None = None
    seconds: float = 0.0
    steps: int = 0
    pairs: int = 0
    finished: bool = True
    recipe: str = ""
    path: str = ""
    measures: dict[str, Interval] = field(default_factory=dict)
    stale: bool = False


@dataclass(frozen=True)
class Recipe:
    """Students of one recipe with different seeds, and their `comparison` with their base on the asked measure.

    The comparison is of per-query means over the evaluated students, its p-value adjusted over the `family` of
    recipes; without one, `missing` says what it lacks. `above` counts the evaluated seeds whose mean is above the
    base's. `seconds` is the mean of one training.
    """

    label: str
    base: str
    teacher: str
    settings: dict[str, Any]
    students: tuple[str, ...]
    seeds: tuple[int, ...]
    dev_measure: str
    dev_before: float | None
    dev: Spread | None
    seconds: float
    steps: int
    pairs: int
    measures: dict[str, Spread] = field(default_factory=dict)
    comparison: Comparison | None = None
    evaluated: int = 0
    above: int = 0
    family: int = 0
    missing: str = ""

    @classmethod
    def of(cls, label: str, differing: Sequence[str], rows: Sequence[LeaderboardRow]) -> Recipe:
        """Take students together; of two with the same seed, which are the same student twice, the first counts."""
        rows = list({row.seed: row for row in reversed(rows)}.values())
        rows.sort(key=lambda row: row.seed or 0)
        one, dev = rows[0], [row.dev_after for row in rows if row.dev_after is not None]
        return cls(
            label=label,
            base=one.base,
            teacher=one.teacher,
            settings={name: one.settings.get(name) for name in differing},
            students=tuple(row.student for row in rows),
            seeds=tuple(row.seed or 0 for row in rows),
            dev_measure=one.dev_measure,
            dev_before=one.dev_before,
            dev=spread(dev) if dev else None,
            seconds=fmean(row.seconds for row in rows),
            steps=max(row.steps for row in rows),
            pairs=max(row.pairs for row in rows),
        )

    @property
    def verdict(self) -> Verdict:
        """Return whether the students are better than their base, as far as the judged queries show."""
        if not (found := self.comparison):
            return "not evaluated"
        if found.adjusted_p >= LEVEL:
            return "not shown to be better"
        return "better" if found.difference.mean > 0 else "worse"

    @property
    def answer(self) -> str:
        """Return the verdict with its evidence, to follow "it is"."""
        if not (found := self.comparison):
            return f"not evaluated: {self.missing}"
        by = found.difference
        p = "p < 0.001" if found.adjusted_p < 0.001 else f"p = {found.adjusted_p:.3f}"
        family = f" (Holm, {self.family:,} recipes)" if self.family > 1 else ""
        seeds = f"{self.above} of {self.evaluated} seed{'' if self.evaluated == 1 else 's'} above it"
        return (
            f"{self.verdict} than its base: {found.measure} {by.mean:+.3f} [{by.low:+.3f}, {by.high:+.3f}], "
            f"{p}{family}, {seeds}"
        )


def spread(values: Sequence[float]) -> Spread:
    """Return the mean and the sample deviation of values."""
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


def compared(
    recipes: Sequence[Recipe], values: Mapping[str, Values], names: Sequence[str], split: str
) -> tuple[Recipe, ...]:
    """Hold each recipe against its base on the first measure, p-values adjusted over all of them (Holm)."""
    found = [_against_base(each, values, names, split) for each in recipes]
    tested = [each.comparison for each in found if each.comparison]
    together = iter(adjusted(tested))
    return tuple(
        replace(each, comparison=next(together), family=len(tested)) if each.comparison else each for each in found
    )


def _against_base(recipe: Recipe, values: Mapping[str, Values], names: Sequence[str], split: str) -> Recipe:
    mine = [values[name] for name in recipe.students if name in values]
    spreads = {name: spread([fmean(each[name].values()) for each in mine]) for name in names} if mine else {}
    recipe = replace(recipe, measures=spreads, evaluated=len(mine))
    if not mine or recipe.base not in values:
        lacking = f"its base {recipe.base} has" if mine else "its students have"
        return replace(recipe, missing=f"{lacking} no measures on {split}")
    asked = names[0]
    before = values[recipe.base][asked]
    after = [fmean(each[asked][query_id] for each in mine) for query_id in before]
    usual = fmean(before.values())
    return replace(
        recipe,
        comparison=compare(asked, list(before.values()), after),
        above=sum(fmean(each[asked].values()) > usual for each in mine),
    )
