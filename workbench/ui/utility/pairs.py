"""All candidate pairs: whom teacher and student put first, and how utilities and similarities are distributed."""

from __future__ import annotations

import streamlit as st

from workbench import plots
from workbench.plots.look import AFTER, TEACHER
from workbench.plots.pairs import outlined
from workbench.records import Unit
from workbench.results import counted
from workbench.store import Store
from workbench.store.views import FirstPlaces, Region
from workbench.ui.shell import cache, components, pickers
from workbench.ui.shell.pickers import Pair
from workbench.ui.utility.queries import REGION

FIGURES = {"density": "Density", "scatter": "Single pairs"}


def first_places(first: FirstPlaces, unit: Unit) -> None:
    """Show whom teacher and student put first, and the utility that the student's choice loses, in `unit`."""

    def share(number: int) -> str:
        return f"{number / first.judged:.3f}" if first.judged else "–"

    lacking = f", {first.without_relevant:,} without a relevant passage" if first.without_relevant else ""
    judged = f"over {counted(first.judged, 'judged query')}{lacking}"
    components.numbers(
        components.Number("Scored queries", f"{first.queries:,}", "with candidates that the student ranks"),
        components.Number("Teacher puts a relevant passage first", share(first.teacher_relevant), judged, TEACHER),
        components.Number("Student puts a relevant candidate first", share(first.student_relevant), judged, AFTER),
        components.Number("Same first choice", f"{first.same / first.queries:.0%}", counted(first.same, "query")),
        components.Number("Regret", f"{first.regret:.2f}", f"mean over queries{components.in_unit(unit)}"),
    )


def distributions(store: Store, pair: Pair) -> str:
    """Show utilities and similarities of all pairs, apart and together; return the name of the joint figure."""
    unit = cache.teacher_unit(store, pair.teacher)
    left, right = components.columns("two", [1, 1])
    for column, quantity in ((left, "utility"), (right, "similarity")):
        with column:
            components.heading(f"Distribution of {quantity}")
            bins = cache.histogram(store, *pair, of=quantity)
            components.picture(
                plots.histogram(bins, quantity, unit),
                f"histogram-{quantity}",
                f"Distribution of {quantity} over the candidate pairs",
            )
    components.heading("Utility against similarity")
    name = pickers.segment("Figure", FIGURES, "figure", "density")
    if name == "scatter":
        figure = plots.scatter(cache.sample_pairs(store, *pair), unit)
        components.opening_picture(figure, "single-pairs", "Similarity against utility of single candidate pairs")
    else:
        figure = plots.density(cache.density(store, *pair), unit)
        if region := Region.parse(st.query_params.get(REGION, "")):
            figure = outlined(figure, region)
        alt = "Similarity against utility of the candidate pairs"
        components.filtering_picture(figure, "pairs", alt, REGION)
        components.remark(
            "A click on a cell keeps the queries with pairs there. So does a box: ⬚ above the picture, then draw."
        )
    return name
