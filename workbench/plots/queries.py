"""Figures of whole comparisons: every query's delta, before against after, many students, and every measure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from workbench.evaluation.comparison import Comparison
from workbench.plots import look
from workbench.steps.compare.compare_runs import QueryValues, RunsComparison
from workbench.steps.compare.diff import Delta, Diff
from workbench.steps.compare.rank_similarity import RankSimilarityResult

MOST_BARS = 1_500
MOST_COLUMNS = 400  # narrower ones cannot be pointed at

# Which way a query went, its word, its colour, its sign.
SIDES = (
    ("better", "better", look.BETTER, "triangle-up"),
    ("same", "the same", look.SAME, "circle"),
    ("worse", "worse", look.WORSE, "triangle-down"),
)


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


def before_after(diff: Diff) -> go.Figure:
    """Draw each query as a dot, its value before to the right, after upward: above the diagonal it got better.

    Queries of equal values share a dot, whose area says how many; the hover box names the first of them.
    """
    drawn = look.figure(370, f"{look.safe(diff.measure)} before", f"{look.safe(diff.measure)} after")
    most = max((max(delta.before, delta.after) for delta in diff.deltas), default=1.0)
    drawn.add_scatter(
        x=[0, most], y=[0, most], mode="lines", line={"color": look.SAME, "width": 1, "dash": "dot"}, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    for direction, word, colour, sign in SIDES:
        grouped = dots(diff, direction)
        number = sum(map(len, grouped.values()))
        drawn.add_scatter(
            x=[at[0] for at in grouped], y=[at[1] for at in grouped], mode="markers", name=f"{number:,} {word}",
            marker={"color": colour, "symbol": sign, "opacity": 0.75,
                    "size": [min(30.0, 6 + 2 * len(found) ** 0.5) for found in grouped.values()]},
            hovertext=[_told(found[0]) + (f"<br>and {len(found) - 1:,} more" if found[1:] else "")
                       for found in grouped.values()],
            hoverinfo="text",
        )  # fmt: skip
    return look.legend_on_top(drawn)


def dots(diff: Diff, direction: str) -> dict[tuple[float, float], list[Delta]]:
    """Return (before, after), to three decimals, -> the queries that went in `direction` and have these values."""
    found: dict[tuple[float, float], list[Delta]] = {}
    for delta in diff.deltas:
        if delta.direction == direction:
            found.setdefault((round(delta.before, 3), round(delta.after, 3)), []).append(delta)
    return found


def heatmap(found: RunsComparison) -> go.Figure:
    """Draw each query as a column and each student as a row, by the first measure; most unlike queries at the left.

    More queries than MOST_COLUMNS are not drawn, and the figure says so.
    """
    shown = found.rows[:MOST_COLUMNS]
    height = 110 + 34 * len(found.students)
    drawn = look.figure(height, f"queries, the most unlike at the left: {len(shown):,} of {len(found.rows):,}", "")
    names = [look.safe(student, 46) for student in found.students]
    drawn.add_heatmap(
        z=[[row.values[place] for row in shown] for place in range(len(names))],
        x=list(range(1, len(shown) + 1)),
        y=list(range(len(names))),
        zmin=0,
        zmax=max((max(row.values) for row in shown), default=1.0) or 1.0,
        # One hue, faint to full: a value is more or less of the same thing, and no verdict.
        colorscale=[[0, look.FAINT], [1, look.AFTER.colour]],
        colorbar={"title": look.safe(found.measures[0]), "thickness": 12},
        hovertext=[[_cell(row, place, name) for row in shown] for place, name in enumerate(names)],
        hoverinfo="text",
    )
    drawn.update_yaxes(tickvals=list(range(len(names))), ticktext=names, showgrid=False, autorange="reversed")
    return drawn.update_xaxes(showgrid=False)


def _cell(row: QueryValues, place: int, name: str) -> str:
    said = f"{name}: {row.values[place]:.3f}"
    return f"<b>{look.safe(row.text, 80)}</b><br>query {look.safe(row.query_id, 60)}<br>{said}"


def rank_similarities(found: RankSimilarityResult) -> go.Figure:
    """Draw how many queries have which value of a rank_similarity."""
    values = [row.value for row in found.rows if row.value is not None]
    drawn = look.figure(300, f"{look.safe(found.by)}, {found.alike:g} is the same ranking", "queries")
    drawn.add_histogram(x=values, nbinsx=40, marker={"color": look.AFTER.colour}, name=f"{len(values):,} queries")
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
            error_x=look.error_bars(intervals, role.colour),
            hovertext=[
                f"{look.safe(name, 60)}<br>{comparison.measure} {found}"
                for comparison, found in zip(comparisons, intervals, strict=True)
            ],
            hoverinfo="text",
        )
    for found, place in zip(comparisons, places, strict=True):
        mark = "" if found.verdict == "no difference shown" else " *"
        drawn.add_annotation(
            text=f"{found.difference.mean:+.3f}{mark}", x=1, xref="x domain", xanchor="left", xshift=8, y=place,
            showarrow=False, hovertext=f"{found.evidence}: {found.in_words}",
        )  # fmt: skip
    drawn.update_yaxes(tickvals=places, ticktext=[found.measure for found in comparisons], showgrid=False)
    drawn.update_layout(margin={"r": 64})
    return look.legend_on_top(drawn)


def _told(delta: Delta) -> str:
    return (
        f"<b>{look.safe(delta.text, 80)}</b><br>query {look.safe(delta.query_id, 60)}<br>"
        f"{delta.before:.3f} before, {delta.after:.3f} after ({delta.change:+.3f})"
    )
