"""One query opened: where its relevant passages and the teacher's best ones lie, before and after training."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench.html.cards import question
from workbench.records import Query
from workbench.steps.compare.projection.project import Projection
from workbench.store import Store
from workbench.store.views import QueryPoint
from workbench.ui.map.projections import run_of
from workbench.ui.shell import cache, components, navigation, pickers


def around(store: Store, projection: Projection, query: Query | None) -> list[QueryPoint]:
    """Return the points around the opened query in a projection; none without one."""
    if query is None:
        return []
    return cache.query_points(store, projection.file, query.query_id, pickers.teacher(store) or "")


def panel(store: Store, query: Query, student: str, points: Sequence[QueryPoint]) -> None:
    """Show the opened query, the passages that lines lead to, and the way to its other pages."""
    components.heading("The opened query")
    components.html_block(question(query))
    if not any(point.kind == "query" for point in points):
        components.stale("The query has no text, so it has no place on the map.")
    rows = [
        {"utility": point.utility, "passage": point.text, "id": point.id, "relevant": "yes" if point.relevant else ""}
        for point in points
        if point.kind == "passage"
    ]
    if rows:
        components.table(
            rows, "map-around", "Relevant and most useful passages of the query", passage=TextColumn(width="large"),
            utility=NumberColumn(format="%+.2f"),
        )  # fmt: skip
    else:
        components.remark("It has no relevant passage, and no teacher has scored one for it.")
    run = run_of(store, student)
    split = query.split or (run.split if run else "")
    params = {"query": query.query_id, **({"split": split} if split else {})}
    with st.container(horizontal=True):
        for page in ("utility", "diff", "annotate"):
            navigation.link(page, f"This query in {page.title()}", **params)
        st.button("Close the query", key="map-close", on_click=pickers.forget_query)
