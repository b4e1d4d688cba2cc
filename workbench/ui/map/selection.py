"""The texts in the area that was drawn: all of them, also those that the picture leaves out, by pages."""

from __future__ import annotations

from math import ceil

import streamlit as st
from streamlit.column_config import TextColumn

from workbench.results import counted
from workbench.steps.compare.projection.project import Projection
from workbench.store import Store
from workbench.store.near_duplicates import TextKind
from workbench.ui.map import areas
from workbench.ui.shell import cache, components, pickers, tables

ROWS = 50  # of a page


def listed(store: Store, projection: Projection) -> None:
    """List the texts in the area drawn on a projection's picture; a chosen query is opened below."""
    corners = areas.drawn_area(projection.student)
    if not corners:
        return
    components.heading("In the area")
    st.button("Leave the area", key="map-leave", icon=":material/close:", on_click=areas.forget)
    counts = cache.texts_inside(store, projection.file, corners, "query", 0, 0)
    numbers: dict[TextKind, int] = {"query": counts.queries, "passage": counts.passages}
    if not any(numbers.values()):
        components.remark("No query and no passage lies in it.")
        return
    parts = [counted(number, kind) for kind, number in numbers.items()]
    components.remark(f"{' and '.join(parts)} lie in it, on the map of {projection.student}.")
    usual = "query" if counts.queries else "passage"
    left, right, _ = components.columns("pickers-list", [1, 1, 4])
    with left:
        kind: TextKind = "query" if pickers.select("List", list(numbers), "kind", usual) == "query" else "passage"
    pages = max(1, ceil(numbers[kind] / ROWS))
    page = 1
    if pages > 1:
        page = int(right.number_input(f"Page of {pages:,}", 1, pages, key=areas.PAGE))
    rows = cache.texts_inside(store, projection.file, corners, kind, (page - 1) * ROWS, ROWS).rows
    ids = [row.id for row in rows]
    version = f"{projection.file.stem}-{kind}-{page}-{hash(tuple(corners))}"
    chosen = tables.select_row(
        ids, lambda at: {kind: rows[at].text, "id": rows[at].id}, "listed", version, **{kind: TextColumn(width="large")}
    )
    if kind == "query" and chosen:
        st.button("Show the query on the map", key="map-open", on_click=_open, args=(chosen,))
    elif chosen:
        passage(store, chosen)


def passage(store: Store, passage_id: str) -> None:
    """Show a passage in full; one that the address names and that is not there is reported."""
    texts = cache.passages(store, [passage_id])
    if not texts:
        components.stale(f"The link names the passage “{passage_id}”, which has no text in this workspace.")
    for one in texts:
        st.caption("Passage")
        components.text(f"{one.passage_id}\n\n{one.content}")


def _open(query_id: str) -> None:
    st.query_params[pickers.QUERY] = query_id
