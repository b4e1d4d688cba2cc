"""One colour, one word and one sign a role, and the plotly template that every figure is drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import plotly.graph_objects as go
import plotly.io as pio

from workbench.direction import balanced
from workbench.evaluation.significance import Interval
from workbench.records import Unit, useful_above


class Role(NamedTuple):
    """What a colour stands for: never shown without its word; `sign` tells roles apart without colour."""

    word: str
    colour: str
    sign: str


class Target(NamedTuple):
    """A place in a figure that can be clicked: `opens` is what it stands for, `hover` is markup of our own."""

    x: float
    y: float
    opens: str
    hover: str


# Chosen so that each stands out at least 3:1 from white and from the dark background (WCAG 2.2, 1.4.11), and so
# that those shown together stay apart for deuteranopes and protanopes; the tests measure both.
TEACHER = Role("teacher", "#B98300", "diamond")
BEFORE = Role("student before", "#7286B5", "circle-open")
AFTER = Role("student after", "#1A7AC7", "circle")
BM25 = Role("BM25", "#80694E", "square")
RELEVANT = Role("relevant", "#B33A90", "star")
USEFUL = Role("useful", "#0A9172", "triangle-up")
USELESS = Role("useless", "#8893A2", "circle")
HARMFUL = Role("harmful", "#CB4318", "triangle-down")
ROLES = {role.word: role for role in (TEACHER, BEFORE, AFTER, BM25, RELEVANT, USEFUL, USELESS, HARMFUL)}

# The marker behind an answer in a text: no role, since it says where to look and judges nothing.
ANSWER = "#E0B400"

# Movement borrows the colours of the verdicts, and always says "better" or "worse" beside them.
BETTER, WORSE, SAME = USEFUL.colour, HARMFUL.colour, USELESS.colour

TEMPLATE = "workbench"
INK, FAINT = "#2A3140", "rgba(128, 138, 155, 0.28)"


def utility_axis(unit: Unit) -> str:
    """Return the name of an axis of utilities, with the teacher's unit."""
    return "utility, unit unknown" if unit == "unknown" else f"utility, {unit}"


def usefulness(utility: float | None, unit: Unit = "unknown") -> Role | None:
    """Return the role of a utility in a teacher's unit; None was never scored.

    A teacher's number alone calls nothing harmful: a smoothed model takes a little off for every passage that is
    about something else. That word is for people.
    """
    if utility is None:
        return None
    return USEFUL if utility > useful_above(unit) else USELESS


def safe(text: str, length: int = 0) -> str:
    """Return foreign text for a label or a hover box, where plotly reads a subset of HTML and of TeX."""
    shown = " ".join(text.split())
    if length and len(shown) > length:
        shown = shown[: length - 1].rstrip() + "…"
    # Quotes stay: plotly would write their escapes out.
    return escape(balanced(shown), quote=False).replace("$", "&#36;")


def figure(height: int, x: str, y: str) -> go.Figure:
    """Return an empty figure in the house style, `height` pixels tall, with its axes named."""
    drawn = go.Figure(layout={"template": TEMPLATE, "height": height})
    drawn.update_xaxes(title_text=x)
    drawn.update_yaxes(title_text=y)
    return drawn


def legend_on_top(drawn: go.Figure) -> go.Figure:
    """Put the legend above the plot, where it takes no width."""
    return drawn.update_layout(
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}, showlegend=True
    )


def remark(drawn: go.Figure, text: str) -> go.Figure:
    """Write a remark of our own under the plot, such as how many of how many are drawn."""
    drawn.add_annotation(
        text=text, xref="paper", yref="paper", x=1, y=1.02, xanchor="right", yanchor="bottom", showarrow=False,
        font={"size": 12},
    )  # fmt: skip
    return drawn


def targets(drawn: go.Figure, marks: Sequence[Target], size: int) -> go.Figure:
    """Lay unseen squares, `size` pixels wide, over the cells of a heatmap, whose own cells cannot be clicked."""
    drawn.add_scatter(
        x=[mark.x for mark in marks],
        y=[mark.y for mark in marks],
        mode="markers",
        marker={"symbol": "square", "size": size, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[mark.opens for mark in marks],
        hovertext=[mark.hover for mark in marks],
        hoverinfo="text",
        showlegend=False,
    )
    return drawn


def error_bars(spans: Sequence[Interval], colour: str) -> dict[str, object]:
    """Return intervals as plotly's error bars."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [span.high - span.mean for span in spans],
        "arrayminus": [span.mean - span.low for span in spans],
        "color": colour,
        "thickness": 1.5,
        "width": 4,
    }


def _template() -> go.layout.Template:
    axis = {
        "gridcolor": FAINT,
        "linecolor": FAINT,
        "zerolinecolor": FAINT,
        "zerolinewidth": 1,
        "ticks": "",
        "automargin": True,
        "title": {"standoff": 8, "font": {"size": 13}},
    }
    return go.layout.Template(
        layout={
            "font": {"family": '"Source Sans", "Source Sans 3", system-ui, sans-serif', "size": 13, "color": INK},
            "paper_bgcolor": "#FFFFFF",
            "plot_bgcolor": "rgba(0, 0, 0, 0)",
            "colorway": [role.colour for role in ROLES.values()],
            "margin": {"l": 8, "r": 8, "t": 32, "b": 8},
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"align": "left", "font": {"size": 13}},
            "hovermode": "closest",
            "bargap": 0.06,
            "dragmode": False,
        }
    )


pio.templates[TEMPLATE] = _template()
