"""Queries and passages in two dimensions, before and after training: what lies near what, and what moved."""

from __future__ import annotations

import streamlit as st

from workbench.store import Store
from workbench.ui.map import colours, one_query, pictures, projections, reproduction, selection
from workbench.ui.shell import cache, components, frame, next_step, pickers


def page(store: Store) -> None:
    """Show the map of a student, beside that of one before it, and open what a person selects on it."""
    counts = cache.counts(store)
    if counts.queries + counts.passages < 2:
        components.empty("There are no texts to place on a map yet.")
        next_step.offer(store)
        return
    chosen = projections.choose(store)
    if not (placed := projections.kept_projections(store, chosen) or projections.made_projections(store, chosen)):
        projections.offer(store, chosen)
        return
    components.lead(
        "Every point is a query or a passage, where a student's vectors put it in two dimensions. What is near here "
        "need not be similar: the numbers say how far the picture can be believed."
    )
    pictures.numbers(placed)
    query = pickers.linked_query(store)
    colour = colours.choose(store, query.query_id if query else "")
    around = [one_query.around(store, projection, query) for projection in placed]
    pictures.side_by_side(store, placed, colour, around)
    for projection in placed:
        selection.listed(store, projection)
    if passage_id := st.query_params.get("passage", ""):
        selection.passage(store, passage_id)
    if query:
        one_query.panel(store, query, chosen.student, around[-1])
    reproduction.reproduce(store, chosen, colour, query.query_id if query else "")


frame.show(page, "Map")
