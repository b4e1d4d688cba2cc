"""The leaderboard on a page: which recipe is best, every recipe and student, and what a chosen one opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.column_config import NumberColumn

from workbench import plots
from workbench.commands import command
from workbench.evaluation.comparison import RULE, SELECTION, printed_p
from workbench.plots.look import AFTER
from workbench.records import stale_in_words
from workbench.results import counted
from workbench.steps.compare.leaderboard import Leaderboard
from workbench.steps.compare.recipes import LeaderboardRow, Recipe
from workbench.store import Store
from workbench.students import Student
from workbench.ui.shell import commands, components, navigation, pickers, tables
from workbench.ui.students import report


def overview(board: Leaderboard) -> None:
    """Show the recipe that dev chooses in key numbers, and every recipe against its base."""
    for name in (row.student for row in board.students if row.stale):
        components.stale(stale_in_words(name))
    for sentence in board.approximate:
        components.stale(sentence)
    if best := board.best:
        _numbers(board, best)
    if board.unseen:
        components.remark(f"{board.unseen.followed_by('see what is called unseen')}.")
    if any(recipe.comparison for recipe in board.recipes):
        components.heading("Better than its base?")
        components.picture(
            plots.recipes(board), "recipes", "Each recipe with its interval beside its base, best on dev first"
        )
        components.remark(
            f"Means over {board.counts.in_words} with 95 % intervals; of several seeds, of their per-query means. A "
            f"recipe and its base are compared query by query on {board.measure}, as on Diff: their intervals may "
            f"overlap and the difference still be sure. {RULE} {SELECTION}"
        )


def _numbers(board: Leaderboard, best: Recipe) -> None:
    seeds = f"{counted(len(best.seeds), 'seed')}, {best.dev_before or 0:.3f} before"
    numbers = [
        components.Number("Students", f"{sum(len(recipe.students) for recipe in board.recipes):,}",
                          f"by {counted(len(board.recipes), 'recipe')}"),
        components.Number(f"Best {best.dev_measure} on dev", str(best.dev), seeds, AFTER),
    ]  # fmt: skip
    if comparison := best.comparison:
        by = comparison.difference
        numbers += [
            components.mean(f"{board.measure} on {board.split}", comparison.after, AFTER),
            components.Number("Against its base", f"{by.mean:+.3f}", f"95 % interval {by.low:+.3f} to {by.high:+.3f}"),
            components.Number("Finding", best.verdict, f"{comparison.p_in_words}{comparison.few}"),
        ]
    if unseen := best.unseen_comparison:
        by = unseen.difference
        numbers.append(components.Number(f"On {by.n:,} unseen", f"{by.mean:+.3f}", f"{unseen.verdict}{unseen.few}"))
    components.numbers(*numbers)


def table(board: Leaderboard, version: str) -> LeaderboardRow | None:
    """Show every recipe, or every student, and return the student that is open."""
    components.heading("Every student")
    options = {"recipes": f"Recipes ({len(board.recipes):,})", "students": f"Every student ({len(board.students):,})"}
    single = pickers.segment("Rows", options, "rows", "recipes") == "students"
    rows = _students(board) if single else _recipes(board)
    ids = [row.student for row in board.students] if single else [_representative(recipe) for recipe in board.recipes]
    tables.unknown([row.student for row in board.students], "student", "student")
    student = tables.select_row(
        ids, rows.__getitem__, "student", f"{version}-{single}",
        **{"seconds": NumberColumn(format="%.0f", help="Of one training."),
           "pairs": NumberColumn(format="localized", help="Pairs of query and scored passage in training, at most."),
           "steps": NumberColumn(format="localized")},
    )  # fmt: skip
    return next((row for row in board.students if row.student == student), None)


def _representative(recipe: Recipe) -> str:
    """Return which of a recipe's students stands for it: the one that the link asks for, else the first."""
    wanted = st.query_params.get("student", "")
    return wanted if wanted in recipe.students else recipe.students[0]


def _recipes(board: Leaderboard) -> list[dict[str, object]]:
    return [
        {
            **_cells(recipe.settings, board.differing or ("loss",), {"loss": recipe.label}),
            "seeds": len(recipe.seeds),
            "against base": recipe.verdict + (recipe.comparison.few if recipe.comparison else ""),
            **_difference(recipe),
            **_unseen(recipe),
            "dev": str(recipe.dev or "–"),
            **{name: str(recipe.measures.get(name, "not evaluated")) for name in board.measures},
            "seconds": recipe.seconds,
            "steps": recipe.steps,
            "pairs": recipe.pairs,
        }
        for recipe in board.recipes
    ]


def _students(board: Leaderboard) -> list[dict[str, object]]:
    return [
        {
            # First what they are compared on: a narrow screen shows little beside the name.
            board.measure: str(row.measures.get(board.measure, "not evaluated")),
            "student": row.label,
            **_cells(row.settings, board.differing, {}),
            "seed": row.seed,
            "dev before": row.dev_before and f"{row.dev_before:.3f}",
            "dev": row.dev_after and f"{row.dev_after:.3f}",
            **{name: str(row.measures.get(name, "not evaluated")) for name in board.measures},
            **{f"{name}, unseen": str(interval) for name, interval in row.unseen_measures.items()},
            "seconds": row.seconds or None,
            "steps": row.steps or None,
            "pairs": row.pairs or None,
        }
        for row in board.students
    ]


def _cells(settings: Mapping[str, Any], names: Sequence[str], defaults: Mapping[str, str]) -> dict[str, object]:
    """Return settings as cells of text, since a column may hold words and numbers."""
    values = {name: settings.get(name, defaults.get(name, "")) for name in names}
    return {
        name.replace("_", " "): f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
    }


def _difference(recipe: Recipe) -> dict[str, object]:
    if not (comparison := recipe.comparison):
        return {"difference": recipe.not_evaluated, "p": "", "p (Holm)": ""}
    by = comparison.difference
    cell = f"{by.mean:+.3f}  [{by.low:+.3f}, {by.high:+.3f}]"
    holm = "" if recipe.selection_p is None else printed_p(recipe.selection_p)
    return {"difference": cell, "p": printed_p(comparison.p_value), "p (Holm)": holm}


def _unseen(recipe: Recipe) -> dict[str, object]:
    """Return what is left of the difference on the queries that train has not seen, where it has seen some."""
    if not (comparison := recipe.unseen_comparison):
        return {}
    return {"unseen": f"{comparison.difference.signed}, {comparison.verdict}{comparison.few}"}


def opened(store: Store, board: Leaderboard, row: LeaderboardRow, trained: Mapping[str, Student]) -> None:
    """Show the chosen student: its recipe's result, its training, and the link to its queries."""
    recipe = next((recipe for recipe in board.recipes if row.student in recipe.students), None)
    if recipe:
        components.remark(f"{recipe.label}: {recipe.in_words}.")
    if row.student in trained:
        report.report(store, trained[row.student])
    elif row.measures:
        navigation.link("diff", "Compare another with this one", before=row.student, split=board.split)
    else:
        components.empty(
            f"{row.student} has not been evaluated on {board.split}.",
            commands.line(store, *command("evaluate", row.student, split=board.split)),
        )


def side_by_side(board: Leaderboard) -> None:
    """Show settings, dev and test of every recipe as lines."""
    if len(board.recipes) < 2:
        return
    components.heading("Settings, dev and test side by side")
    components.picture(plots.parallel(board), "parallel", "A line a recipe, from its settings over dev to its measures")
    components.remark(
        f"A line is a recipe; point at it to read which, click on a verdict above to take those away. {SELECTION}"
    )
