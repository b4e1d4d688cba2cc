"""The parts of the students' page: who is best, every recipe and student, and what a chosen one opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.column_config import NumberColumn

from workbench import plots
from workbench.plots.look import AFTER
from workbench.steps.compare.leaderboard import Leaderboard
from workbench.steps.compare.recipes import LeaderboardRow, Recipe
from workbench.store import Store
from workbench.ui.shell import components, navigation, pickers
from workbench.ui.students import report


def overview(found: Leaderboard) -> None:
    """Show the recipe that dev chooses in key numbers, and every recipe against its base."""
    for name in (row.student for row in found.students if row.stale):
        components.stale(f"{name} was evaluated when the collection held other passages; evaluate it again.")
    if best := found.best:
        _numbers(found, best)
    if any(each.comparison for each in found.recipes):
        components.heading("Better than its base?")
        components.picture(
            plots.recipes(found), "recipes", "Each recipe with its interval beside its base, best on dev first"
        )
        components.remark(
            "Means over queries with 95 % intervals; of several seeds, of their per-query means. The verdict is by "
            f"the paired test on {found.measure}, adjusted for {len(found.recipes):,} recipes (Holm): intervals may "
            "overlap and the difference still be sure."
        )


def _numbers(found: Leaderboard, best: Recipe) -> None:
    seeds = f"{len(best.seeds)} seed{'s' if len(best.seeds) > 1 else ''}, {best.dev_before or 0:.3f} before"
    shown = [
        components.Number("Students", f"{sum(len(each.students) for each in found.recipes):,}",
                     f"by {len(found.recipes):,} recipes"),
        components.Number(f"Best {best.dev_measure} on dev", str(best.dev), seeds, AFTER),
    ]  # fmt: skip
    if tested := best.comparison:
        by = tested.difference
        shown += [
            components.mean(f"{found.measure} on {found.split}", tested.after, AFTER),
            components.Number("Against its base", f"{by.mean:+.3f}", f"95 % interval {by.low:+.3f} to {by.high:+.3f}"),
            components.Number("Finding", best.verdict, f"{tested.p_in_words}{tested.few}"),
        ]
    components.numbers(*shown)


def table(found: Leaderboard, version: str) -> LeaderboardRow | None:
    """Show every recipe, or every student, and return the student that is open."""
    components.heading("Every student")
    kinds = {"recipes": f"Recipes ({len(found.recipes):,})", "students": f"Every student ({len(found.students):,})"}
    single = pickers.segment("Rows", kinds, "rows", "recipes") == "students"
    rows = _students(found) if single else _recipes(found)
    ids = [row.student for row in found.students] if single else [_named(each) for each in found.recipes]
    pickers.unknown([row.student for row in found.students], "student", "student")
    chosen = pickers.row(
        ids, rows, "student", f"{version}-{single}",
        **{"seconds": NumberColumn(format="%.0f", help="Of one training."),
           "pairs": NumberColumn(format="localized", help="Query and scored passage, shown to a student at most."),
           "steps": NumberColumn(format="localized")},
    )  # fmt: skip
    return next((row for row in found.students if row.student == chosen), None)


def _named(recipe: Recipe) -> str:
    """Return which of a recipe's students stands for it: the one that the link asks for, else the first."""
    wanted = st.query_params.get("student", "")
    return wanted if wanted in recipe.students else recipe.students[0]


def _recipes(found: Leaderboard) -> list[dict[str, object]]:
    return [
        {
            **_said(each.settings, found.differing or ("loss",), {"loss": each.label}),
            "seeds": len(each.seeds),
            "against base": each.verdict,
            **_difference(each),
            "dev": str(each.dev or "–"),
            **{name: str(each.measures.get(name, "not evaluated")) for name in found.measures},
            "seconds": each.seconds,
            "steps": each.steps,
            "pairs": each.pairs,
        }
        for each in found.recipes
    ]


def _students(found: Leaderboard) -> list[dict[str, object]]:
    return [
        {
            "student": row.student,
            **_said(row.settings, found.differing, {}),
            "seed": row.seed,
            "dev before": row.dev_before and f"{row.dev_before:.3f}",
            "dev": row.dev_after and f"{row.dev_after:.3f}",
            **{name: str(row.measures.get(name, "not evaluated")) for name in found.measures},
            "seconds": row.seconds or None,
            "steps": row.steps or None,
            "pairs": row.pairs or None,
        }
        for row in found.students
    ]


def _said(settings: Mapping[str, Any], names: Sequence[str], instead: Mapping[str, str]) -> dict[str, object]:
    """Return settings as cells: text, since a column may hold words and numbers."""
    values = {name: settings.get(name, instead.get(name, "")) for name in names}
    return {
        name.replace("_", " "): f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
    }


def _difference(recipe: Recipe) -> dict[str, object]:
    if not (tested := recipe.comparison):
        return {"difference": recipe.not_evaluated, "p (Holm)": ""}
    by = tested.difference
    return {"difference": f"{by.mean:+.3f}  [{by.low:+.3f}, {by.high:+.3f}]", "p (Holm)": f"{tested.adjusted_p:.4f}"}


def opened(store: Store, found: Leaderboard, row: LeaderboardRow, made: Mapping[str, Any]) -> None:
    """Show what the chosen student is: its recipe's verdict, its training, and the way to its queries."""
    recipe = next((each for each in found.recipes if row.student in each.students), None)
    if recipe:
        components.remark(f"{recipe.label}: {recipe.in_words}.")
    if row.student in made:
        report.report(store, made[row.student])
    elif row.measures:
        navigation.link("diff", f"Compare another with {row.student}", before=row.student, split=found.split)
    else:
        components.empty(
            f"{row.student} has not been evaluated on {found.split}.",
            f"workbench evaluate {row.student} --split {found.split}",
        )


def side_by_side(found: Leaderboard) -> None:
    """Show settings, dev and test of every recipe as lines."""
    if len(found.recipes) < 2:
        return
    components.heading("Settings, dev and test side by side")
    components.picture(plots.parallel(found), "parallel", "A line a recipe, from its settings over dev to its measures")
    components.remark(
        "A line is a recipe; point at it to read which, click on a verdict above to take those away. Of many recipes "
        "the best on test is flattered: dev is there to choose."
    )
