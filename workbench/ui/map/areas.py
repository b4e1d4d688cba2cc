"""The part of a map that is looked at: a box or a free shape, kept in the address as its corners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from workbench.plots.look import TEACHER
from workbench.store.views import Corner

AREA, PICTURE, PAGE = "area", "of", "page"  # of the address: corners, the student they were drawn on, the list's page
MOST_CORNERS = 80  # of a shape drawn by hand: the address is to stay short


def drawn_area(student: str) -> list[Corner]:
    """Return the corners that the address names on a student's picture; none if there are none or they cannot be."""
    if st.query_params.get(PICTURE) != student:
        return []
    try:
        pairs = [part.split(",") for part in st.query_params.get(AREA, "").split(";") if part]
        corners = [(float(x), float(y)) for x, y in pairs]
    except ValueError:
        return []
    return corners if len(corners) > 2 and all(isfinite(value) for corner in corners for value in corner) else []


def picture(figure: go.Figure, key: str, alt: str, student: str) -> None:
    """Show a map on which an area is drawn, or a query opened by a click."""

    def select() -> None:
        selection = (st.session_state.get(key) or {}).get("selection", {})
        corners = selected_corners(selection)
        points = selection.get("points", [])
        if corners:
            st.query_params[AREA] = ";".join(f"{x:.4g},{y:.4g}" for x, y in corners)
            st.query_params[PICTURE] = student
            st.session_state.pop(PAGE, None)
        elif points and points[0].get("customdata"):
            kind, text_id = points[0]["customdata"][:2]
            st.query_params[kind] = str(text_id)

    st.plotly_chart(
        figure, key=key, alt=f"{alt}; a click on a mark opens it below, an area drawn over some lists them",
        config={"displayModeBar": True, "modeBarButtonsToRemove": ["toImage"]}, on_select=select,
        selection_mode=("points", "box", "lasso"),
    )  # fmt: skip


def selected_corners(selection: Mapping[str, Any]) -> list[Corner]:
    """Return the corners of the box or shape that a selection of Streamlit has; none of a click."""
    if boxes := selection.get("box"):
        (x1, x2), (y1, y2) = boxes[-1]["x"], boxes[-1]["y"]
        return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    if shapes := selection.get("lasso"):
        corners = list(zip(shapes[-1]["x"], shapes[-1]["y"], strict=True))
        return corners[:: 1 + len(corners) // MOST_CORNERS]
    return []


def outlined(figure: go.Figure, corners: Sequence[Corner]) -> go.Figure:
    """Draw the outline of an area on a map."""
    if corners:
        x, y = zip(*corners, corners[0], strict=True)
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"width": 2, "dash": "dash", "color": TEACHER.colour}, hoverinfo="skip",
            showlegend=False,
        )  # fmt: skip
    return figure


def forget() -> None:
    """Leave the area."""
    for name in (AREA, PICTURE):
        st.query_params.pop(name, None)
