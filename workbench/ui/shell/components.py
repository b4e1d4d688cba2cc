"""The parts that pages are put together from: the sentence on top, key numbers, pictures, tables, warnings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.direction import balanced
from workbench.evaluation.significance import Interval
from workbench.html import cards
from workbench.html.cards import role_class
from workbench.html.marking import html
from workbench.plots.look import Role
from workbench.records import Unit
from workbench.results import counted

# Buttons of plotly that a figure does without in which a box is drawn: a click selects only while none is being drawn.
ZOOM = ["zoom2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d", "toImage"]
NOTHING = "–"  # a cell without a value
MOST_ROWS = 20
SIGNS = {"success": "✓", "warning": "!", "failure": "✕"}


class Number(NamedTuple):
    """A key number: what it is, its value as written, and a remark such as its interval."""

    label: str
    value: str
    note: str = ""
    role: Role | None = None


def lead(sentence: str) -> None:
    """Say what one is looking at."""
    st.html(f'<p class="wb wb-lead">{html(sentence)}</p>')


def numbers(*shown: Number) -> None:
    """Show key numbers side by side."""
    tiles = "".join(
        f'<div class="wb-number {"wb-role " + role_class(number.role) if number.role else ""}">'
        f'<span class="wb-label">{html(number.label)}</span><b>{html(number.value)}</b>'
        f'<span class="wb-note">{html(number.note)}</span></div>'
        for number in shown
    )
    st.html(f'<div class="wb wb-numbers">{tiles}</div>')


def mean(label: str, interval: Interval, role: Role | None = None) -> Number:
    """Return a mean with its interval as a key number."""
    return Number(label, f"{interval.mean:.3f}", f"95 % interval {interval.low:.3f} to {interval.high:.3f}", role)


def tally(won: int, tied: int, lost: int) -> None:
    """Show how many queries are better, the same and worse: as a bar and in words."""
    st.html(cards.tally(won, tied, lost))


def legend() -> None:
    """Explain the marks in the texts below."""
    st.html(
        '<div class="wb wb-soft" style="font-size:.85rem">In the texts: '
        '<mark class="wb-answer">a reference answer</mark>, '
        '<mark class="wb-term">a word of the query</mark>.</div>'
    )


def columns(kind: str, widths: Sequence[float]) -> list[DeltaGenerator]:
    """Return columns that go below one another where they get too narrow for what they hold, by `kind` (see style)."""
    with st.container(key=f"wb-{kind}"):
        return list(st.columns(widths, gap="medium" if kind.startswith("two") else "small", vertical_alignment="top"))


def picture(figure: go.Figure, key: str, alt: str) -> None:
    """Show a figure; `alt` says in a sentence what it shows to those who cannot see it."""
    st.plotly_chart(figure, key=key, alt=alt, config={"displayModeBar": False})


def opening_picture(figure: go.Figure, key: str, alt: str, opens: str = "query") -> None:
    """Show a figure whose marks open what they stand for, `?opens=` their customdata, when they are clicked."""

    def open_clicked() -> None:
        points = (st.session_state.get(key) or {}).get("selection", {}).get("points", [])
        clicked = points[0].get("customdata") if points else None
        if clicked is not None:
            st.query_params[opens] = str(clicked[0] if isinstance(clicked, (list, tuple)) else clicked)

    st.plotly_chart(
        figure, key=key, alt=f"{alt}; a click on a mark opens it below", config={"displayModeBar": False},
        on_select=open_clicked, selection_mode="points",
    )  # fmt: skip


def filtering_picture(figure: go.Figure, key: str, alt: str, filters: str) -> None:
    """Show a figure in which a drawn box, or a clicked mark by its customdata, becomes the region `?filters=`."""

    def keep_region() -> None:
        selection = (st.session_state.get(key) or {}).get("selection", {})
        boxes, points = selection.get("box", []), selection.get("points", [])
        if boxes:
            edges = (sorted(boxes[0][axis]) for axis in ("x", "y"))
            st.query_params[filters] = ":".join(f"{edge:.7g}" for pair in edges for edge in pair)
        elif points:
            st.query_params[filters] = str(points[0]["customdata"])

    st.plotly_chart(
        figure, key=key, alt=f"{alt}; a click on a cell or a box drawn over some keeps the queries with pairs there",
        config={"displayModeBar": True, "modeBarButtonsToRemove": ZOOM}, on_select=keep_region,
        selection_mode=("points", "box"),
    )  # fmt: skip


def html_block(block: str) -> None:
    """Show HTML that our own functions made, and in which all foreign text is escaped already."""
    st.html(block)


def text(foreign: str) -> None:
    """Show foreign text as it is, line by line; it turns nothing after it."""
    st.text(balanced(foreign))


def table(rows: Sequence[Mapping[str, object]], key: str, alt: str, /, **columns: Any) -> None:
    """Show a read-only table; cells are text, whatever they hold. Up to MOST_ROWS are shown without scrolling."""
    st.dataframe(
        list(rows), height="content" if len(rows) <= MOST_ROWS else "auto", hide_index=True, key=key, alt=alt,
        column_config=columns or None, placeholder=NOTHING,
    )  # fmt: skip


def empty(message: str, *lines: str) -> None:
    """Say calmly that there is nothing to show yet, and by which shell lines to get it."""
    with st.container(border=True):
        st.markdown(":material/inbox: **Nothing here yet**")
        text(message)
        for line in lines:
            st.code(line, language="shell", wrap_lines=True)


def stale(message: str) -> None:
    """Warn that a shown result is about something that has changed since."""
    notice(message, "warning")


def failed(problem: str, hint: str = "") -> None:
    """Show a failure: what is wrong, and what to do."""
    with st.container(border=True):
        notice(problem, "failure")
        if hint:
            st.html(f'<p class="wb">{_with_commands(hint)}</p>')


def notice(message: str, kind: Literal["success", "warning", "failure"]) -> None:
    """Show a message that stands out. It is no alert of Streamlit's: those read `:cat:` in a name as a picture."""
    role = "alert" if kind == "failure" else "status"
    st.html(
        f'<div class="wb wb-notice wb-{kind}" role="{role}"><span aria-hidden="true">{SIGNS[kind]}</span>'
        f"<span>{html(message)}</span></div>"
    )


def remark(text: str) -> None:
    """Add a quiet remark."""
    st.html(f'<p class="wb wb-soft" style="margin:0;font-size:.88rem">{html(text)}</p>')


def advice(text: str) -> None:
    """Add a quiet remark that names commands in backticks."""
    st.html(f'<p class="wb wb-soft" style="margin:0;font-size:.88rem">{_with_commands(text)}</p>')


def _with_commands(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", html(text))


def heading(text: str) -> None:
    """Begin a section."""
    st.header(text, anchor=False)


def in_unit(unit: Unit) -> str:
    """Return the unit of a teacher's utilities in brackets, to end a phrase; "" if it is not known."""
    return "" if unit == "unknown" else f" ({unit})"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago something was, as people say it."""
    seconds = max(0.0, (now - moment).total_seconds())
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{counted(int(seconds // size), word)} ago"
    return "just now"
