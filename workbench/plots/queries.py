"""Figures of whole comparisons: every query's delta in one row, and every measure with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from workbench.plots import look
from workbench.significance import Comparison, Interval
from workbench.steps.diff import Delta, Diff

MOST_BARS = 1_500


def waterfall(diff: Diff) -> go.Figure:
    """Draw the per-query deltas as bars, largest gain to largest loss; queries that stayed the same are counted.

    More changed queries than MOST_BARS are thinned evenly, and the figure says so.
    """
    drawn = look.figure(370, "queries that changed, by change", f"change in {look.safe(diff.measure)}")
    changed = [delta for delta in reversed(diff.deltas) if delta.change]
    stride = -(-len(changed) // MOST_BARS) or 1
    shown = changed[::stride]
    for word, colour, sign in (("better", look.BETTER, 1), ("worse", look.WORSE, -1)):
        bars = [(place * stride + 1, delta) for place, delta in enumerate(shown) if delta.change * sign > 0]
        number = diff.wins if sign > 0 else diff.losses
        drawn.add_bar(
            x=[place for place, _ in bars],
            y=[delta.change for _, delta in bars],
            name=f"{number:,} {word}",
            marker={"color": colour, "line": {"width": 0}},
            width=stride,
            hovertext=[_told(delta) for _, delta in bars],
            hoverinfo="text",
        )
    drawn.update_xaxes(showgrid=False, rangemode="tozero")
    thinned = f"; every {stride}th of the others drawn" if stride > 1 else ""
    same = f"{diff.ties:,} the same, not drawn{thinned}"
    drawn.add_bar(x=[None], y=[None], name=same, marker={"color": look.SAME})
    return look.legend_on_top(drawn)


def measures(comparisons: Sequence[Comparison], before: str = "before", after: str = "after") -> go.Figure:
    """Draw each measure before and after as a dot with its 95 % interval, and the difference in words."""
    drawn = look.figure(90 + 42 * len(comparisons), "mean over queries, with 95 % interval", "")
    places = list(range(len(comparisons), 0, -1))
    sides = (
        (look.BEFORE, before, [found.before for found in comparisons], 0.13),
        (look.AFTER, after, [found.after for found in comparisons], -0.13),
    )
    for role, name, intervals, shift in sides:
        drawn.add_scatter(
            x=[found.mean for found in intervals],
            y=[place + shift for place in places],
            mode="markers",
            name=look.safe(name, 60),
            marker={"color": role.colour, "symbol": role.sign, "size": 10, "line": {"width": 2, "color": role.colour}},
            error_x=_bars(intervals, role.colour),
            hovertext=[
                f"{look.safe(name, 60)}<br>{comparison.measure} {found}"
                for comparison, found in zip(comparisons, intervals, strict=True)
            ],
            hoverinfo="text",
        )
    for found, place in zip(comparisons, places, strict=True):
        mark = " *" if found.significant else ""
        drawn.add_annotation(
            text=f"{found.difference.mean:+.3f}{mark}", x=1, xref="x domain", xanchor="left", xshift=8, y=place,
            showarrow=False, hovertext=f"p = {found.p_value:.4f}: {found.in_words}",
        )  # fmt: skip
    drawn.update_yaxes(tickvals=places, ticktext=[found.measure for found in comparisons], showgrid=False)
    drawn.update_layout(margin={"r": 64})
    return look.legend_on_top(drawn)


def _told(delta: Delta) -> str:
    return (
        f"<b>{look.safe(delta.text, 80)}</b><br>query {look.safe(delta.query_id, 60)}<br>"
        f"{delta.before:.3f} before, {delta.after:.3f} after ({delta.change:+.3f})"
    )


def _bars(intervals: Sequence[Interval], colour: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [found.high - found.mean for found in intervals],
        "arrayminus": [found.mean - found.low for found in intervals],
        "color": colour,
        "thickness": 1.5,
        "width": 4,
    }
