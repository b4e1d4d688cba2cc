"""Figures of a projection: queries and passages as points, coloured by a value or a word, and one query's lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from workbench.plots import frames, look
from workbench.records import Unit
from workbench.store.views import Point, Points, QueryPoint
from workbench.store.views.projected.texts import SampleSize

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 540
# A sign and a size for each kind, so that they are told apart whatever the colour stands for.
SIGNS = {"query": ("diamond", 7), "passage": ("circle", 5)}
CROWDED = 1_000  # points, above which they are smaller and fainter, lest some hide the others
# Colours of words that are no role (after Okabe and Ito, darkened to stand out from white): any two tell apart.
PALETTE = ("#1A7AC7", "#C46210", "#0A9172", "#B33A90", "#8A7A00", "#6F5BC4", "#B8433A", "#4E7C8A", "#8893A2")
QUERY = PALETTE[5]
# Of values, low to high: blue to amber, which any eyes tell apart, and none of which fades into a white or a dark page.
SCALE = [[0, "#4A78C9"], [0.5, "#8C8A93"], [1, "#C27C00"]]
ROLE_WORDS = {
    "relevant": look.RELEVANT.colour, "judged, not relevant": look.USELESS.colour, "useful": look.USEFUL.colour,
    "useless": look.USELESS.colour, "harmful": look.HARMFUL.colour, "unsure": look.BM25.colour,
    "query": QUERY, "passage": PALETTE[7],
}  # fmt: skip


# Where the legend is: many words go to the foot of the figure, a few between the axis and the colours of values.
BELOW: dict[bool, dict[str, Any]] = {
    False: {"yref": "container", "y": 0, "yanchor": "bottom"}, True: {"y": -0.14, "yanchor": "top"}
}  # fmt: skip


class Extent(NamedTuple):
    """The ends of both axes, the same in pictures that are compared."""

    x: tuple[float, float]
    y: tuple[float, float]


def extent(*drawn: Points) -> Extent | None:
    """Return the ends of both axes between which all points lie; None without any."""
    points = [point for one in drawn for point in one.points]
    if not points:
        return None
    ends = [(min(values), max(values)) for values in zip(*((point.x, point.y) for point in points), strict=True)]
    margins = [0.04 * max(high - low, 1e-6) for low, high in ends]
    (x, y) = ((low - margin, high + margin) for (low, high), margin in zip(ends, margins, strict=True))
    return Extent(x, y)


def projection(
    points: Points | pd.DataFrame,
    label: str = "",
    unit: Unit = "unknown",
    around: Sequence[QueryPoint] = (),
    ends: Extent | None = None,
) -> go.Figure:
    """Draw the points of a projection, and lines from one query to the passages `around` it.

    `label` names what values are, in `unit` if they are utilities. A frame has the columns of `Point`, and holds all
    points there are.
    """
    if not isinstance(points, Points):
        points = _all_points(frames.rows(Point, points))
    listed, size = points
    drawn = look.figure(HEIGHT, "first axis", "second axis")
    if ends:
        drawn.update_xaxes(range=ends.x)
        drawn.update_yaxes(range=ends.y)
    words = sorted({point.word for point in listed if point.word})
    plain = [point for point in listed if point.value is None and not point.word]
    fade = 0.5 if around else 1.0
    _marks(drawn, plain, "no value" if len(plain) < len(listed) else "", {"color": look.SAME, "opacity": 0.2 * fade}, 1)
    shrink = int(len(listed) - len(plain) > CROWDED)
    fade *= 0.6 if shrink else 1.0
    for place, word in enumerate(words):
        colour = ROLE_WORDS.get(word, PALETTE[place % len(PALETTE)])
        of_word = [point for point in listed if point.word == word]
        _marks(drawn, of_word, word, {"color": colour, "opacity": 0.8 * fade}, shrink)
    valued = [point for point in listed if point.value is not None]
    title = look.utility_axis(unit) if label == "utility" else label
    _marks(drawn, valued, "", {"coloraxis": "coloraxis", "opacity": 0.9 * fade}, shrink)
    if valued:
        _colour_bar(drawn, [point.value for point in valued if point.value is not None], look.safe(title))
    _lines(drawn, around)
    _drawn_sizes(drawn, size)
    drawn.update_layout(
        legend={"orientation": "h", "x": 0, **BELOW[bool(valued)], "itemsizing": "constant"}, showlegend=True,
        margin={"t": 72},  # two lines, and above them the buttons
    )  # fmt: skip
    return drawn


def _drawn_sizes(drawn: go.Figure, size: SampleSize) -> None:
    """Say how many of how many are drawn."""
    look.remark(
        drawn,
        f"◆ {size.drawn_queries:,} of {size.queries:,} queries<br>● {size.drawn_passages:,} of {size.passages:,} "
        "passages drawn",
    )
    drawn.layout.annotations[-1].update(x=0, xanchor="left", align="left")


def _colour_bar(drawn: go.Figure, values: Sequence[float], title: str) -> None:
    """Explain the colours of values; beyond the outermost fiftieths, which would take up the scale, they stay alike."""
    low, high = np.quantile(values, [0.02, 0.98])
    ends = {"cmin": low, "cmax": high} if low < high else {}
    bar = {
        "title": {"text": title, "side": "top"}, "orientation": "h", "x": 0, "xanchor": "left", "y": -0.34,
        "yanchor": "top", "len": 0.8, "thickness": 10, "outlinewidth": 0,
    }  # fmt: skip
    drawn.update_layout(coloraxis={"colorscale": SCALE, "colorbar": bar, **ends})


def _all_points(points: Sequence[Point]) -> Points:
    queries = sum(point.kind == "query" for point in points)
    passages = len(points) - queries
    return Points(tuple(points), SampleSize(queries, passages, queries, passages))


def _marks(drawn: go.Figure, points: Sequence[Point], name: str, marker: dict[str, Any], shrink: int) -> None:
    """Add points, `shrink` pixels smaller, a trace for each kind, one of which stands in the legend."""
    by_kind = {kind: list(some) for kind, some in groupby(sorted(points, key=_kind), key=_kind)}
    for number, (kind, some) in enumerate(by_kind.items()):
        sign, size = SIGNS[kind]
        coloured = {"color": [point.value for point in some]} if "coloraxis" in marker else {}
        drawn.add_scattergl(
            x=np.array([point.x for point in some], np.float32), y=np.array([point.y for point in some], np.float32),
            mode="markers", name=look.safe(name), legendgroup=name, showlegend=bool(name) and number == 0,
            marker={**marker, **coloured, "symbol": sign, "size": size - shrink},
            hovertext=[_hover(point) for point in some], hoverinfo="text",
            customdata=[[point.kind, point.id] for point in some],
        )  # fmt: skip


def _kind(point: Point) -> str:
    return point.kind


def _hover(point: Point) -> str:
    value = f"{point.value:.3f}" if point.value is not None else look.safe(point.word or "", 40)
    named = f"{point.kind} {look.safe(point.id, 40)}"
    return f"{look.safe(point.text, 70)}<br>{named}" + (f"<br>{value}" if value and value != point.kind else "")


def _lines(drawn: go.Figure, around: Sequence[QueryPoint]) -> None:
    """Add a query, its relevant passages and the teacher's best ones, each with a line from the query."""
    query = next((point for point in around if point.kind == "query"), None)
    if query is None:
        return
    passages = [point for point in around if point.kind == "passage"]
    for name, role, some in (
        ("teacher's best", look.TEACHER, [point for point in passages if not point.relevant]),
        (look.RELEVANT.word, look.RELEVANT, [point for point in passages if point.relevant]),
    ):
        ends = [(value, end) for point in some for value, end in (((query.x, point.x), (query.y, point.y)),)]
        drawn.add_scatter(
            x=[x for xs, _ in ends for x in (*xs, None)], y=[y for _, ys in ends for y in (*ys, None)],
            mode="lines", line={"color": role.colour, "width": 1.5}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
        drawn.add_scatter(
            x=[point.x for point in some], y=[point.y for point in some], mode="markers", name=name,
            marker={"color": role.colour, "symbol": role.sign, "size": 12, "line": {"width": 1, "color": "#FFFFFF"}},
            hovertext=[_hover_around(point) for point in some], hoverinfo="text",
            customdata=[[point.kind, point.id] for point in some], showlegend=bool(some),
        )  # fmt: skip
    drawn.add_scatter(
        x=[query.x], y=[query.y], mode="markers", name="the query",
        marker={"color": QUERY, "symbol": "x", "size": 13, "line": {"width": 1, "color": "#FFFFFF"}},
        hovertext=[_hover_around(query)], hoverinfo="text", customdata=[[query.kind, query.id]],
    )  # fmt: skip


def _hover_around(point: QueryPoint) -> str:
    utility = "" if point.utility is None else f"<br>utility {point.utility:+.3f}"
    return f"{look.safe(point.text, 70)}<br>{point.kind} {look.safe(point.id, 40)}{utility}"
