"""Recipes: students that differ in their seed alone, taken together and compared with their base."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple

from workbench.evaluation.comparison import Comparison, Verdict, compare, selection_p_values
from workbench.evaluation.significance import Interval
from workbench.records import labelled
from workbench.results import counted
from workbench.steps.compare.diff import Values
from workbench.steps.data.splits.unseen import UnseenPart
from workbench.students import Student
from workbench.trainer import TrainSettings, settings_in_words, settings_used

# What differs between two trainings of one recipe with two seeds, or with the same one.
PASSING = frozenset({"seed", "name", "created", "outcome", "versions", "settings", "resolved", "checksums"})

RecipeVerdict = Verdict | Literal["not evaluated"]


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

    A base, bm25 or an `imported` run has no teacher. `settings` hold what was used where a setting was `left_open`.
    `pairs` are those of query and scored passage that it was shown at most; `finished` says that its training was not
    asked to stop. `measures` is empty for a student that was not evaluated on the split; `stale` if the passages have
    changed since it was. Students of equal `recipe` differ in their seed alone. `unseen_measures` are those on
    the queries that train has not seen, where it has seen some. `approximation` says how its run was searched, if not
    exactly.
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
    imported: bool = False
    unseen_measures: dict[str, Interval] = field(default_factory=dict)
    approximation: str = ""

    @property
    def label(self) -> str:
        """Return its name, and that it is an imported run if it is one."""
        return labelled(self.student, self.imported)


@dataclass(frozen=True)
class Recipe:
    """Students of one recipe with different seeds, and their `comparison` with their base on the asked measure.

    The comparison is of per-query means over the `evaluated` students, for a single one that of `diff`; without
    one, `not_evaluated` says why. `selection_p` is its p-value adjusted over all recipes (Holm): for who chooses one
    by it. `unseen_comparison` is that on the queries that train has not seen, where it has seen some. `above_base`
    counts the evaluated seeds whose mean is above the base's. `seconds` is the mean of one training.
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
    above_base: int = 0
    not_evaluated: str = ""
    unseen_comparison: Comparison | None = None
    selection_p: float | None = None

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
    def verdict(self) -> RecipeVerdict:
        """Return whether the students are better than their base, as far as the judged queries show."""
        return self.comparison.verdict if self.comparison else "not evaluated"

    @property
    def in_words(self) -> str:
        """Return the verdict with its evidence."""
        if not (comparison := self.comparison):
            return f"not evaluated: {self.not_evaluated}"
        verdict = comparison.verdict
        words = f"{verdict} against its base" if verdict == "no difference shown" else f"{verdict} than its base"
        seeds = f"{self.above_base} of {self.evaluated} seed{'' if self.evaluated == 1 else 's'} above it"
        words = f"{words}{comparison.few}: {comparison.measure} {comparison.evidence}, {seeds}"
        if not (unseen := self.unseen_comparison):
            return words
        queries = f"{counted(unseen.difference.n, 'query')} not seen in train"
        return f"{words}; on the {queries} {unseen.evidence}: {unseen.in_words}"


def leaderboard_row(student: Student) -> LeaderboardRow:
    """Return what a trained student's recipe says of it."""
    recipe = student.recipe
    outcome: dict[str, Any] = recipe.get("outcome", {})
    defaults = {**asdict(TrainSettings()), **recipe.get("settings", {})}
    settings = settings_used(recipe)
    finished = outcome.get("stopped") != "asked"
    seed = settings.pop("seed")
    alike = {name: value for name, value in recipe.items() if name not in PASSING}
    whole = json.dumps([alike, settings, finished], sort_keys=True, default=str)
    return LeaderboardRow(
        student=student.name,
        base=student.base,
        teacher=str(recipe["teacher"]),
        loss=str(settings["loss"]),
        seed=seed,
        # What tells recipes apart most often comes first: labels are cut where there is no room.
        settings={
            **{name: settings[name] for name in ("loss", "method", "steps")},
            **{
                "base": student.base,
                "teacher": recipe["teacher"],
                **settings,
                "label_overrides": "label_overrides" in recipe,
                "title_join": recipe.get("title_join", "sentence"),
            },
        },
        left_open=frozenset(name for name, value in settings.items() if value is None or value != defaults[name]),
        dev_measure=outcome.get("measure", ""),
        dev_before=outcome.get("dev_before"),
        dev_after=outcome.get("dev_after"),
        seconds=outcome.get("seconds", 0.0),
        steps=outcome.get("steps", 0),
        pairs=outcome.get("steps", 0) * settings["batch_size"] * settings["candidates"],
        finished=finished,
        recipe=sha256(whole.encode()).hexdigest()[:8],
        path=str(student.path),
    )


def limits(interval: Interval | None) -> tuple[float | None, ...]:
    """Return the mean and the ends of an interval; three times None where there is none."""
    return (interval.mean, interval.low, interval.high) if interval else (None,) * 3


def spread(values: Sequence[float]) -> Spread:
    """Return the mean and the sample deviation of values."""
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


def compared(
    recipes: Sequence[Recipe], values: Mapping[str, Values], names: Sequence[str], split: str, unseen: UnseenPart | None
) -> tuple[Recipe, ...]:
    """Compare each recipe with its base on the first measure, and on the `unseen` queries where train has seen some."""
    recipes = [_against_base(recipe, values, names, split) for recipe in recipes]
    p_values = iter(selection_p_values([recipe.comparison for recipe in recipes if recipe.comparison]))
    recipes = [replace(one, selection_p=next(p_values)) if one.comparison else one for one in recipes]
    if not unseen or not unseen.unseen:
        return tuple(recipes)
    others = {student: unseen.only(of_run) for student, of_run in values.items()}
    return tuple(
        replace(recipe, unseen_comparison=_against_base(recipe, others, names, split).comparison) for recipe in recipes
    )


def _against_base(recipe: Recipe, values: Mapping[str, Values], names: Sequence[str], split: str) -> Recipe:
    values = {student: of_run for student, of_run in values.items() if of_run[names[0]]}
    evaluated = [values[name] for name in recipe.students if name in values]
    measured = [name for name in names if evaluated and all(one[name] for one in evaluated)]
    means = {name: spread([fmean(one[name].values()) for one in evaluated]) for name in measured}
    recipe = replace(recipe, measures=means, evaluated=len(evaluated))
    if not evaluated or recipe.base not in values:
        lacking = f"its base {recipe.base} has" if evaluated else "its students have"
        return replace(recipe, not_evaluated=f"{lacking} no measures on {split}")
    measure = names[0]
    before = values[recipe.base][measure]
    after = [fmean(one[measure][query_id] for one in evaluated) for query_id in before]
    base_mean = fmean(before.values())
    return replace(
        recipe,
        comparison=compare(measure, list(before.values()), after),
        above_base=sum(fmean(one[measure].values()) > base_mean for one in evaluated),
    )


def differing_settings(rows: Sequence[LeaderboardRow]) -> tuple[str, ...]:
    """Return the settings that were chosen differently; what was left open follows from the others."""

    def chosen(row: LeaderboardRow, name: str) -> str:
        return "" if name in row.left_open else repr(row.settings.get(name))

    names = dict.fromkeys(name for row in rows for name in row.settings)
    return tuple(name for name in names if len({chosen(row, name) for row in rows}) > 1)


def alike(rows: Sequence[LeaderboardRow], differing: Sequence[str]) -> list[Recipe]:
    """Return the recipes, best on dev first, each under a label of its own."""
    groups: dict[str, list[LeaderboardRow]] = {}
    for row in rows:
        if row.recipe:
            groups.setdefault(row.recipe, []).append(row)
    labels = {key: _label(group[0], differing) for key, group in groups.items()}
    number = Counter(labels.values())
    recipes = [
        Recipe.of(label if number[label] == 1 else f"{label} ({groups[key][0].student})", differing, groups[key])
        for key, label in labels.items()
    ]
    return sorted(recipes, key=lambda recipe: (-(recipe.dev.mean if recipe.dev else 0.0), recipe.label))


def _label(row: LeaderboardRow, differing: Sequence[str]) -> str:
    shown = {name: row.settings.get(name) for name in differing} or {"loss": row.loss}
    return settings_in_words(shown) + ("" if row.finished else ", unfinished")
