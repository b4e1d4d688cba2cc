"""Teacher against student: where usefulness and similarity disagree, over all pairs and for one query."""

from __future__ import annotations

import streamlit as st

from workbench import plots
from workbench.store import Store
from workbench.ui.shell import cache, components, frame, one_query, pickers, tables


def page(store: Store) -> None:
    """Show how a teacher's utilities and a student's similarities are spread, and where they disagree."""
    if not (chosen := pickers.pair(store)):
        return
    teacher, run = chosen
    first = cache.first_places(store, teacher, run)
    if not first.queries:
        components.empty(
            f"{teacher} has scored none of the queries of the {run.split} split.",
            f"workbench score --split {run.split}",
        )
        return
    components.lead(
        f"Every point here is a candidate pair of the {run.split} split: how useful {teacher} finds the passage for "
        f"the query, against how similar {run.student} finds the two. Where they disagree, there is something to learn."
    )
    tables.first_places(first)
    _distributions(store, chosen)
    _queries(store, chosen)
    components.reproduce(
        store,
        "utility",
        ["info"],
        f"run = wb.views.find_run(store, {run.student!r}, {run.split!r})\n"
        f"wb.plots.density(wb.views.density(store, {teacher!r}, run))",
        teacher=teacher,
        split=run.split,
        student=run.student,
        query=st.query_params.get("query", ""),
        words=st.query_params.get("words", ""),
    )


def _distributions(store: Store, chosen: pickers.Pair) -> None:
    left, right = components.columns("two", [1, 1])
    for column, of in ((left, "utility"), (right, "similarity")):
        with column:
            components.heading(f"How {of} spreads")
            bins = cache.histogram(store, *chosen, of=of)
            components.picture(
                plots.histogram(bins, of), f"histogram-{of}", f"Distribution of {of} over the candidate pairs"
            )
    components.heading("Utility against similarity")
    kind = st.segmented_control(
        "Drawn as", ["density", "single pairs"], default="density", key="drawn", label_visibility="collapsed"
    )
    if kind == "single pairs":
        drawn = plots.scatter(cache.sample_pairs(store, *chosen))
    else:
        drawn = plots.density(cache.density(store, *chosen))
    components.picture(drawn, "pairs", "Similarity against utility of the candidate pairs")


def _queries(store: Store, chosen: pickers.Pair) -> None:
    components.heading("Query by query")
    rows = cache.disagreements(store, *chosen)
    query_id = tables.disagreements(rows, f"{chosen.teacher}-{chosen.run.run}-{store.revision()}")
    if query_id:
        pickers.steps([row.query_id for row in rows], query_id, "query")
        one_query.opened(store, chosen, query_id)


frame.show(page, "Utility")
