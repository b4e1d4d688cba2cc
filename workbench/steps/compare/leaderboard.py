"""Every student of a workspace, what it cost, how it measured, and whether it is better than its base."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Unpack

from workbench import students
from workbench.evaluation.comparison import selection_in_words
from workbench.evaluation.significance import Interval, intervals_of
from workbench.records import Run
from workbench.results import Result, as_html, frame
from workbench.steps.compare import run_measures
from workbench.steps.compare.answer_measures import answer_measures
from workbench.steps.compare.diff import Values
from workbench.steps.compare.recipes import (
    LeaderboardRow,
    Recipe,
    alike,
    compared,
    differing_settings,
    leaderboard_row,
    limits,
)
from workbench.steps.compare.run_measures import JudgedCounts, Judgements
from workbench.steps.data.splits.unseen import UnseenPart, early_in_words, trained_before_split
from workbench.steps.data.workspace_settings import with_settings
from workbench.store import MeasureSettings, Store, views
from workbench.students import BM25

if TYPE_CHECKING:
    import pandas as pd

ALSO = ("R@1", "AP")


@dataclass(frozen=True)
class Leaderboard(Result):
    """Every student, and the recipes they were trained by, best on dev first; `differing` settings tell those apart.

    A recipe is compared with its base on `measure`, the first of `measures`, by the verdict that `diff` has for the
    pair; each `selection_p` is adjusted for all recipes (Holm), for who chooses one by it. `early` names the students
    that were trained before the queries were split anew, maybe on some that are tested now. Its frame has a row for
    each recipe; after `columns` comes a column for each differing setting, named "setting: NAME", and one for each
    measure, the mean over seeds.
    """

    columns: ClassVar = {
        "recipe": "what tells the recipe apart",
        "base": "its base",
        "teacher": "the teacher it was trained with",
        "verdict": "whether it is better than its base",
        "in_words": "the verdict with its evidence",
        "split": "the split of the comparison",
        "measure": "its measure",
        "before": "mean of the base",
        "before_low": "lower end of its 95 % interval",
        "before_high": "upper end",
        "after": "mean of the students' per-query means",
        "after_low": "lower end of its 95 % interval",
        "after_high": "upper end",
        "difference": "after - before",
        "difference_low": "lower end of its 95 % interval",
        "difference_high": "upper end",
        "p_value": "p-value of the comparison",
        "selection_p": "the same, Holm-adjusted over all recipes: for who chooses one by it",
        "unseen_verdict": "the verdict on the queries that train has not seen, where it has seen some",
        "unseen_difference": "after - before on these queries",
        "unseen_difference_low": "lower end of its 95 % interval",
        "unseen_difference_high": "upper end",
        "unseen_p_value": "its p-value",
        "unseen_queries": "number of these queries",
        "dev_measure": "the measure that training was stopped by",
        "dev_before": "its value of the base",
        "dev": "its mean over seeds",
        "seeds": "(seed, value of the measure) of each evaluated student",
        "seconds": "mean time of a training",
        "steps": "steps of a training",
        "pairs": "pairs that it was trained on",
        "bm25": "value of BM25 on the measure",
    }

    split: str
    measures: tuple[str, ...]
    differing: tuple[str, ...]
    students: tuple[LeaderboardRow, ...]
    recipes: tuple[Recipe, ...]
    counts: JudgedCounts
    unseen: UnseenPart | None = None
    early: tuple[str, ...] = ()

    @property
    def measure(self) -> str:
        """Return the measure on which recipes are compared with their bases."""
        return self.measures[0]

    @property
    def best(self) -> Recipe | None:
        """Return the recipe that dev chooses, among those with the dev measure that most have."""
        usual = Counter(recipe.dev_measure for recipe in self.recipes if recipe.dev).most_common(1)
        return next((one for one in self.recipes if usual and one.dev and one.dev_measure == usual[0][0]), None)

    @property
    def in_words(self) -> str:
        """Return which student is best, and whether it is better than its base, with the evidence."""
        approximate = "".join(f" {sentence}" for sentence in self.approximate)
        if not (best := self.best):
            return f"No student has been trained in this workspace yet.{approximate}"
        trained = sum(len(recipe.students) for recipe in self.recipes)
        words = (
            f"{_many(trained, 'student')} by {_many(len(self.recipes), 'recipe')}. Dev chooses {best.label} "
            f"({best.dev_measure} {best.dev} over {_many(len(best.seeds), 'seed')}, {best.dev_before:.3f} before). "
            f"On {self.split}: {best.in_words}."
        )
        if self.split == "dev" and best.comparison:
            words += " The same queries chose it, so that its gain there is optimistic."
        if len(self.recipes) > 1:
            counts = Counter(recipe.verdict for recipe in self.recipes).most_common()
            verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in counts)
            comparisons = [recipe.comparison for recipe in self.recipes if recipe.comparison]
            few = comparisons[0].few if comparisons else ""
            words += f" Against their bases on {self.measure}, of {len(self.recipes):,} recipes: {verdicts}{few}."
            words += selection_in_words(comparisons, "recipes")
        return words + early_in_words(self.early) + approximate

    @property
    def approximate(self) -> tuple[str, ...]:
        """Return of each student whose run was not searched exactly how it was."""
        return tuple(f"{row.student} was {row.approximation}." for row in self.students if row.approximation)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each recipe, best on dev first."""
        settings = [f"setting: {name}" for name in self.differing]
        return frame([*self.columns, *settings, *self.measures], self.table_rows())

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each recipe, best on dev first."""
        students = {row.student: row for row in self.students}
        bm25 = students[BM25].measures.get(self.measure) if BM25 in students else None
        for recipe in self.recipes:
            one = recipe.comparison
            rows = [students[name] for name in recipe.students if name in students]
            seeds = [(row.seed, row.measures[self.measure].mean) for row in rows if self.measure in row.measures]
            yield (
                *(recipe.label, recipe.base, recipe.teacher, recipe.verdict, recipe.in_words),
                *(self.split, self.measure),
                *(value for span in ("before", "after", "difference") for value in limits(getattr(one, span, None))),
                *(
                    one.p_value if one else None,
                    recipe.selection_p,
                    *_unseen_cells(recipe),
                    recipe.dev_measure,
                    recipe.dev_before,
                ),
                *(recipe.dev.mean if recipe.dev else None, seeds, recipe.seconds, recipe.steps, recipe.pairs),
                bm25.mean if bm25 else None,
                *(recipe.settings[name] for name in self.differing),
                *(recipe.measures[name].mean if name in recipe.measures else None for name in self.measures),
            )

    def _repr_html_(self) -> str:
        shown = [
            "recipe",
            "base",
            "verdict",
            "difference",
            "difference_low",
            "difference_high",
            "p_value",
            "selection_p",
            "dev",
        ]
        return as_html(self.in_words, self.to_frame()[shown])


def leaderboard(
    store: Store,
    split: str = "test",
    measure: str = "nDCG@10",
    also: Sequence[str] | None = None,
    **settings: Unpack[MeasureSettings],
) -> Leaderboard:
    """List every student of the workspace, and compare every recipe with its base on a split.

    Students of one recipe but for the seed are taken together: their mean and deviation, and a paired randomisation
    test of the per-query means over seeds against the base's values, over the judged queries.

    Parameters
    ----------
    store : Store
        The workspace.
    split : str
        The split on which students are measured.
    measure : str
        The measure on which recipes are compared with their bases, as ir_measures spells it.
    also : sequence of str, optional
        More measures to show; unless given, R@1, AP and those of readers' answers.
    **settings : optional
        `relevance` and `without_relevant` in place of the workspace's, see `WorkspaceSettings`.

    Returns
    -------
    Leaderboard
        Every student, and the recipes, best on dev first, each with its verdict.

    Raises
    ------
    BadSetting
        A name is not a measure, or the value of a setting cannot be.

    Examples
    --------
    >>> board = wb.leaderboard(store, "test", "nDCG@10")
    >>> [recipe.students for recipe in board.recipes]
    [('student',)]
    >>> board.best.verdict == board.recipes[0].comparison.verdict
    True
    >>> board.to_frame()["measure"].tolist()
    ['nDCG@10']
    """
    store = with_settings(store, **settings)
    judgements = Judgements.of(store, split)
    also = (*ALSO, *answer_measures(judgements.read_runs)) if also is None else also
    names = judgements.names((measure, *also))
    runs = {run.student: run for run in views.runs(store, split)}
    values = _values(store, list(runs.values()), names, judgements)
    measured = next((of_run[names[0]] for of_run in values.values()), {})
    unseen = judgements.unseen_part(store, split, names[0], measured)
    others = {name: unseen.only(of_run) for name, of_run in values.items()} if unseen and unseen.unseen else {}
    means, unseen_means = _means(values, names), _means(others, names)
    now = views.collection_fingerprint(store)
    stale = {name for name, run in runs.items() if run.is_stale(now)}
    trained = {one.name: one for one in students.trained(store.students) if one.recipe.get("teacher")}
    untrained = dict.fromkeys([*runs, *(one.base for one in trained.values())])
    rows = [LeaderboardRow(name) for name in untrained if name not in trained] + [
        leaderboard_row(one) for one in trained.values()
    ]
    imported = {name for name, run in runs.items() if run.imported and name not in trained}
    rows = [
        replace(
            row,
            measures=means.get(row.student, {}),
            unseen_measures=unseen_means.get(row.student, {}),
            stale=row.student in stale,
            imported=row.student in imported,
            approximation=runs[row.student].approximation if row.student in runs else "",
        )
        for row in rows
    ]
    differing = differing_settings([row for row in rows if row.recipe])
    recipes = compared(alike(rows, differing), values, names, split, unseen)
    order = {name: place for place, recipe in enumerate(recipes) for name in recipe.students}
    rows.sort(key=lambda row: (order.get(row.student, -1), row.seed or 0))
    counts, early = judgements.counts_for(names[0], measured), tuple(sorted(trained_before_split(store)))
    return Leaderboard(split, names, differing, tuple(rows), recipes, counts, unseen, early)


def _values(store: Store, runs: Sequence[Run], names: Sequence[str], judgements: Judgements) -> dict[str, Values]:
    """Return student -> measure -> query_id -> value; none for a student without a value on the first measure."""
    measured = run_measures.measure_all(store, runs, names, judgements)
    values = {run.student: one.values for run, one in zip(runs, measured, strict=True)}
    return {student: of_run for student, of_run in values.items() if of_run[names[0]]}


def _unseen_cells(recipe: Recipe) -> tuple[object, ...]:
    """Return the verdict, the difference, its p-value and the number of queries where train has seen none of them."""
    if not (one := recipe.unseen_comparison):
        return (None,) * 6
    return one.verdict, *limits(one.difference), one.p_value, one.difference.n


def _means(values: Mapping[str, Values], names: Sequence[str]) -> dict[str, dict[str, Interval]]:
    means: dict[str, dict[str, Interval]] = {student: {} for student in values}
    for name in names if values else ():
        of_students = {student: list(of_run[name].values()) for student, of_run in values.items() if of_run[name]}
        for student, span in intervals_of(of_students).items():
            means[student][name] = span
    return means


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
