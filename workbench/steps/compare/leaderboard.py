"""Leaderboard: every student of a workspace, what it cost, how it did, and whether it is better than its base."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from workbench import students
from workbench.evaluation.measures import parse
from workbench.evaluation.significance import Interval, intervals
from workbench.records import Run
from workbench.steps.compare import run_measures
from workbench.steps.compare.diff import Values
from workbench.steps.compare.recipes import LeaderboardRow, Recipe, compared
from workbench.store import Store, views
from workbench.students import Student
from workbench.trainer import TrainSettings, settings_in_words, settings_used

ALSO = ("R@1", "AP")
# What differs between two trainings of one recipe with two seeds, or with the same one.
PASSING = frozenset({"seed", "name", "created", "outcome", "versions", "settings", "resolved"})


@dataclass(frozen=True)
class Leaderboard:
    """Every student, and the recipes they were trained by, best on dev first; `differing` settings tell those apart.

    A recipe is held against its base on `measure`, the first of `measures`; the p-values of all recipes are adjusted
    together (Holm).
    """

    split: str
    measures: tuple[str, ...]
    differing: tuple[str, ...]
    students: tuple[LeaderboardRow, ...]
    recipes: tuple[Recipe, ...]

    @property
    def measure(self) -> str:
        """Return the measure on which recipes are held against their bases."""
        return self.measures[0]

    @property
    def best(self) -> Recipe | None:
        """Return the recipe that dev chooses, among those that were judged by the measure most were judged by."""
        usual = Counter(each.dev_measure for each in self.recipes if each.dev).most_common(1)
        return next((each for each in self.recipes if usual and each.dev and each.dev_measure == usual[0][0]), None)

    @property
    def in_words(self) -> str:
        """Return which student is best, and whether it is better than its base, with the evidence."""
        if not (best := self.best):
            return "No student has been trained in this workspace yet."
        trained = sum(len(each.students) for each in self.recipes)
        words = (
            f"{_many(trained, 'student')} by {_many(len(self.recipes), 'recipe')}. Dev chooses {best.label} "
            f"({best.dev_measure} {best.dev} over {_many(len(best.seeds), 'seed')}, {best.dev_before:.3f} before). "
            f"On {self.split}: {best.in_words}."
        )
        if len(self.recipes) == 1:
            return words
        counts = Counter(recipe.verdict for recipe in self.recipes).most_common()
        verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in counts)
        return f"{words} Against their bases on {self.measure}, of {len(self.recipes):,} recipes: {verdicts}."


def leaderboard(store: Store, split: str = "test", measure: str = "nDCG@10", also: Sequence[str] = ALSO) -> Leaderboard:
    """Hold every student of the workspace against the others, and every recipe against its base, on a split.

    Students of one recipe but for the seed are taken together: their mean and deviation, and a paired randomisation
    test of the per-query means over seeds against the base's values, over the judged queries.
    """
    names = tuple(dict.fromkeys(str(parse(name)) for name in (measure, *also)))
    runs = {run.student: run for run in views.runs(store, split)}
    values = _values(store, split, list(runs.values()), names)
    means = _means(values, names)
    now = views.collection_fingerprint(store)
    stale = {name for name, run in runs.items() if run.collection != now}
    made = {each.name: each for each in students.trained(store.students) if each.recipe.get("teacher")}
    others = dict.fromkeys([*runs, *(each.base for each in made.values())])
    rows = [LeaderboardRow(name) for name in others if name not in made] + [_standing(each) for each in made.values()]
    rows = [replace(row, measures=means.get(row.student, {}), stale=row.student in stale) for row in rows]
    differing = _differing([row for row in rows if row.recipe])
    recipes = compared(_alike(rows, differing), values, names, split)
    order = {name: place for place, each in enumerate(recipes) for name in each.students}
    rows.sort(key=lambda row: (order.get(row.student, -1), row.seed or 0))
    return Leaderboard(split, names, differing, tuple(rows), recipes)


def _values(store: Store, split: str, runs: Iterable[Run], names: Sequence[str]) -> dict[str, Values]:
    """Return student -> measure -> query_id -> value; none where no query is judged."""
    qrels = views.qrels(store, split)
    found = {run.student: run_measures.measure(store, run, names, qrels).values for run in runs}
    return {student: of_run for student, of_run in found.items() if all(of_run[name] for name in names)}


def _means(values: Mapping[str, Values], names: Sequence[str]) -> dict[str, dict[str, Interval]]:
    found: dict[str, dict[str, Interval]] = {student: {} for student in values}
    for name in names if values else ():
        spans = intervals([list(of_run[name].values()) for of_run in values.values()])
        for student, span in zip(values, spans, strict=True):
            found[student][name] = span
    return found


def _standing(student: Student) -> LeaderboardRow:
    recipe = student.recipe
    outcome: dict[str, Any] = recipe.get("outcome", {})
    asked = {**asdict(TrainSettings()), **recipe.get("settings", {})}
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
            },
        },
        left_open=frozenset(name for name, value in settings.items() if value is None or value != asked[name]),
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


def _differing(rows: Sequence[LeaderboardRow]) -> tuple[str, ...]:
    """Return the settings that were chosen differently; what was left open follows from the others."""

    def chosen(row: LeaderboardRow, name: str) -> str:
        return "" if name in row.left_open else repr(row.settings.get(name))

    names = dict.fromkeys(name for row in rows for name in row.settings)
    return tuple(name for name in names if len({chosen(row, name) for row in rows}) > 1)


def _alike(rows: Sequence[LeaderboardRow], differing: Sequence[str]) -> list[Recipe]:
    """Return the recipes, best on dev first, each under a label of its own."""
    groups: dict[str, list[LeaderboardRow]] = {}
    for row in rows:
        if row.recipe:
            groups.setdefault(row.recipe, []).append(row)
    labels = {key: _label(group[0], differing) for key, group in groups.items()}
    often = Counter(labels.values())
    found = [
        Recipe.of(label if often[label] == 1 else f"{label} ({groups[key][0].student})", differing, groups[key])
        for key, label in labels.items()
    ]
    return sorted(found, key=lambda each: (-(each.dev.mean if each.dev else 0.0), each.label))


def _label(row: LeaderboardRow, differing: Sequence[str]) -> str:
    shown = {name: row.settings.get(name) for name in differing} or {"loss": row.loss}
    return settings_in_words(shown) + ("" if row.finished else ", unfinished")


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
