"""Figures of candidate pairs: how utilities and similarities are distributed, alone and together."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots import frames, look
from workbench.records import Unit, useful_above
from workbench.store.views import Bin, Cell, Pair, Region, Sample

if TYPE_CHECKING:
    import pandas as pd

SIMILARITY = "similarity, cosine"


def histogram(bins: Sequence[Bin] | pd.DataFrame, of: str = "utility", unit: Unit = "unknown") -> go.Figure:
    """Draw how the pairs are distributed over utility (in the teacher's unit) or similarity, relevant ones apart.

    Both are drawn as shares of their own group: relevant passages are few, and a common scale would hide them. A frame
    has the columns of `Bin`.
    """
    bins = frames.rows(Bin, bins)
    drawn = look.figure(260, look.utility_axis(unit) if of == "utility" else SIMILARITY, "share of the group")
    groups = (
        ("not relevant or not judged", look.USELESS.colour, [one.other for one in bins]),
        (look.RELEVANT.word, look.RELEVANT.colour, [one.relevant for one in bins]),
    )
    for word, colour, numbers in groups:
        total = sum(numbers)
        drawn.add_bar(
            x=[(one.low + one.high) / 2 for one in bins],
            y=[number / max(total, 1) for number in numbers],
            width=[one.high - one.low for one in bins],
            name=f"{word} ({total:,} pairs)",
            marker={"color": colour, "opacity": 0.65, "line": {"width": 0}},
            hovertext=[
                f"{one.low:.2f} to {one.high:.2f}<br>{number:,} of {total:,} pairs, {word}"
                for one, number in zip(bins, numbers, strict=True)
            ],
            hoverinfo="text",
        )
    if of == "utility":
        drawn.add_vline(x=useful_above(unit), line={"color": look.SAME, "width": 1, "dash": "dot"})
    drawn.update_layout(barmode="overlay", yaxis_tickformat=".0%")
    return look.legend_on_top(drawn)


def density(cells: Sequence[Cell] | pd.DataFrame, unit: Unit = "unknown") -> go.Figure:
    """Draw similarity against utility as cells, the colour on a log scale, with the four quadrants counted.

    The quadrants part where a utility in `unit` is called useful, and at the median similarity of the pairs. A frame
    has the columns of `Cell`.
    """
    cells = frames.rows(Cell, cells)
    drawn = look.figure(430, SIMILARITY, look.utility_axis(unit))
    if not cells:
        return drawn
    x, columns = _positions([cell.similarity for cell in cells])
    y, rows = _positions([cell.utility for cell in cells])
    pairs = np.full((len(y), len(x)), np.nan)
    for cell, column, row in zip(cells, columns, rows, strict=True):
        pairs[row, column] = log10(cell.pairs)
    top = float(np.nanmax(pairs))
    ticks = [power for power in range(6) if power <= top]
    drawn.add_heatmap(
        x=x, y=y, z=pairs, hoverinfo="skip", zmin=0, zmax=max(top, 1), xgap=1, ygap=1,
        colorscale=[[0, "rgba(26, 122, 199, 0.2)"], [0.5, "rgba(26, 122, 199, 0.6)"], [1, "rgba(24, 114, 188, 1)"]],
        colorbar={
            "title": {"text": "pairs", "side": "top"}, "tickvals": ticks, "ticktext": [f"{10**t:,}" for t in ticks],
            "thickness": 10, "outlinewidth": 0, "len": 0.6,
        },
    )  # fmt: skip
    look.targets(drawn, [_target(cell, _step(x) / 2, _step(y) / 2) for cell in cells], size=9)
    return _quadrants(drawn, cells, useful_above(unit))


def outlined(drawn: go.Figure, region: Region) -> go.Figure:
    """Draw a frame around the pairs of a region of similarity against utility."""
    drawn.add_shape(
        type="rect", x0=region.similarity[0], x1=region.similarity[1], y0=region.utility[0], y1=region.utility[1],
        line={"color": look.TEACHER.colour, "width": 2}, layer="above",
    )  # fmt: skip
    return drawn


def scatter(sample: Sample | pd.DataFrame, unit: Unit = "unknown") -> go.Figure:
    """Draw single pairs, similarity against utility in `unit`; says how many of how many are drawn.

    A frame has the columns of `Pair`, and holds all pairs there are.
    """
    if not isinstance(sample, Sample):
        pairs_of_frame = frames.rows(Pair, sample)
        sample = Sample(tuple(pairs_of_frame), len(pairs_of_frame))
    drawn = look.figure(430, SIMILARITY, look.utility_axis(unit))
    for word, role, size in (("not relevant or not judged", look.USELESS, 5), (look.RELEVANT.word, look.RELEVANT, 8)):
        pairs = [pair for pair in sample.pairs if pair.relevant == (role is look.RELEVANT)]
        drawn.add_scattergl(
            x=[pair.similarity for pair in pairs],
            y=[pair.utility for pair in pairs],
            mode="markers",
            name=word,
            marker={"color": role.colour, "size": size, "opacity": 0.6, "symbol": role.sign},
            hovertext=[_hover(pair) for pair in pairs],
            hoverinfo="text",
            customdata=[pair.query_id for pair in pairs],
        )
    drawn.add_hline(y=useful_above(unit), line={"color": look.SAME, "width": 1, "dash": "dot"})
    look.remark(drawn, f"{len(sample.pairs):,} of {sample.total:,} pairs drawn, evenly over queries")
    return look.legend_on_top(drawn)


def _hover(pair: Pair) -> str:
    return (
        f"<b>{look.safe(pair.query, 70)}</b><br>{look.safe(pair.passage, 70)}<br>"
        f"query {look.safe(pair.query_id, 40)}, passage {look.safe(pair.passage_id, 40)}<br>"
        f"similarity {pair.similarity:.3f} (rank {pair.rank:,}), utility {pair.utility:+.3f}"
    )


def _target(cell: Cell, x: float, y: float) -> look.Target:
    """Return the place of a cell that reaches so far to both sides; it stands for the region of its pairs."""
    region = Region((cell.similarity - x, cell.similarity + x), (cell.utility - y, cell.utility + y))
    hover = (
        f"similarity {cell.similarity:.2f}, utility {cell.utility:+.2f}<br>"
        f"{cell.pairs:,} pairs, {cell.relevant:,} with a relevant passage"
    )
    return look.Target(cell.similarity, cell.utility, str(region), hover)


def _step(centres: NDArray[np.float64]) -> float:
    return float(centres[1] - centres[0]) if len(centres) > 1 else 1e-6


def _positions(values: Sequence[float]) -> tuple[NDArray[np.float64], list[int]]:
    """Return the centres of an even grid, empty rows included, and where each value stands in it."""
    distinct = np.unique(np.round(values, 9))
    if len(distinct) == 1:
        return distinct, [0] * len(values)
    step = float(np.diff(distinct).min())
    places = np.rint((np.asarray(values) - distinct[0]) / step).astype(int)
    return distinct[0] + step * np.arange(places.max() + 1), places.tolist()


def _quadrants(drawn: go.Figure, cells: Sequence[Cell], line: float) -> go.Figure:
    ordered = sorted(cells, key=lambda cell: cell.similarity)
    total = sum(cell.pairs for cell in cells)
    reached = np.cumsum([cell.pairs for cell in ordered])
    middle = ordered[int(np.searchsorted(reached, total / 2))].similarity
    low, high = min(cell.utility for cell in cells), max(cell.utility for cell in cells)
    # A strip above and below the cells, where the words do not cover any.
    strip = 0.09 * max(high - low, 0.1)
    drawn.update_yaxes(range=[low - strip, high + strip])
    drawn.add_hline(y=line, line={"color": look.SAME, "width": 1, "dash": "dot"})
    drawn.add_vline(x=middle, line={"color": look.SAME, "width": 1, "dash": "dot"})
    for near, helps in ((True, True), (True, False), (False, True), (False, False)):
        inside = sum(
            cell.pairs for cell in cells if (cell.similarity >= middle) == near and (cell.utility > line) == helps
        )
        word = f"{'helps' if helps else 'does not help'}, {'near' if near else 'far'}"
        drawn.add_annotation(
            text=f"{word}: {inside / total:.0%}", showarrow=False, xref="x domain", yref="y domain",
            x=0.995 if near else 0.005, xanchor="right" if near else "left",
            y=0.99 if helps else 0.01, yanchor="top" if helps else "bottom",
        )  # fmt: skip
    return drawn
