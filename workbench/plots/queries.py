"""Figures of whole comparisons: every query's difference, before against after, many students, every measure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from workbench.errors import UnknownName
from workbench.evaluation.comparison import Comparison
from workbench.evaluation.rank_similarity import NAMES, find_rank_similarity
from workbench.plots import frames, look
from workbench.steps.compare.compare_runs import RunsComparison
from workbench.steps.compare.diff import Delta, Diff
from workbench.steps.compare.rank_similarity import RankSimilarityResult

if TYPE_CHECKING:
    import pandas as pd

MOST_BARS = 1_500
MOST_COLUMNS = 400  # narrower ones cannot be pointed at

# How a query changed, its word, its colour, its sign.
SIDES = (
    ("better", "better", look.BETTER, "triangle-up"),
    ("same", "the same", look.SAME, "circle"),
    ("worse", "worse", look.WORSE, "triangle-down"),
)


def waterfall(diff: Diff | pd.DataFrame) -> go.Figure:
    """Draw the per-query differences as bars, largest gain to largest loss; unchanged queries are counted.

    More changed queries than MOST_BARS are thinned evenly, and the figure says so.
    """
    measure, deltas = _deltas(diff)
    drawn = look.figure(370, "queries that changed, by change", f"change in {look.safe(measure)}")
    changed = [delta for delta in reversed(deltas) if delta.change]
    stride = -(-len(changed) // MOST_BARS) or 1
    shown, numbers = changed[::stride], Counter(delta.direction for delta in changed)
    for word, colour in (("better", look.BETTER), ("worse", look.WORSE)):
        bars = [(place * stride + 1, delta) for place, delta in enumerate(shown) if delta.direction == word]
        drawn.add_bar(
            x=[place for place, _ in bars],
            y=[delta.change for _, delta in bars],
            name=f"{numbers[word]:,} {word}",
            marker={"color": colour, "line": {"width": 0}},
            width=stride,
            hovertext=[_hover(delta) for _, delta in bars],
            hoverinfo="text",
            customdata=[delta.query_id for _, delta in bars],
        )
    drawn.update_xaxes(showgrid=False, rangemode="tozero")
    thinned = f"; every {stride}th of the others drawn" if stride > 1 else ""
    same = f"{len(deltas) - len(changed):,} the same, not drawn{thinned}"
    drawn.add_bar(x=[None], y=[None], name=same, marker={"color": look.SAME})
    return look.legend_on_top(drawn)


def before_after(diff: Diff | pd.DataFrame) -> go.Figure:
    """Draw each query as a dot, its value before to the right, after upward: above the diagonal it got better.

    Queries of equal values share a dot, whose area says how many; the hover box names the first of them.
    """
    measure, deltas = _deltas(diff)
    drawn = look.figure(370, f"{look.safe(measure)} before", f"{look.safe(measure)} after")
    most = max((max(delta.before, delta.after) for delta in deltas), default=1.0)
    drawn.add_scatter(
        x=[0, most], y=[0, most], mode="lines", line={"color": look.SAME, "width": 1, "dash": "dot"}, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    for direction, word, colour, sign in SIDES:
        grouped = dots(deltas, direction)
        number = sum(map(len, grouped.values()))
        drawn.add_scatter(
            x=[at[0] for at in grouped], y=[at[1] for at in grouped], mode="markers", name=f"{number:,} {word}",
            marker={"color": colour, "symbol": sign, "opacity": 0.75,
                    "size": [min(30.0, 6 + 2 * len(group) ** 0.5) for group in grouped.values()]},
            hovertext=[_hover(group[0]) + (f"<br>and {len(group) - 1:,} more" if group[1:] else "")
                       for group in grouped.values()],
            hoverinfo="text", customdata=[group[0].query_id for group in grouped.values()],
        )  # fmt: skip
    return look.legend_on_top(drawn)


def dots(deltas: Sequence[Delta], direction: str) -> dict[tuple[float, float], list[Delta]]:
    """Return (before, after), to three decimals, -> the queries that changed in `direction` and have these values."""
    grouped: dict[tuple[float, float], list[Delta]] = {}
    for delta in deltas:
        if delta.direction == direction:
            grouped.setdefault((round(delta.before, 3), round(delta.after, 3)), []).append(delta)
    return grouped


def heatmap(runs: RunsComparison | pd.DataFrame) -> go.Figure:
    """Draw each query as a column and each student as a row, by the first measure; most unlike queries at the left.

    More queries than MOST_COLUMNS are not drawn, and the figure says so.
    """
    table = runs.to_frame() if isinstance(runs, RunsComparison) else runs
    columns = frames.records(table, ["query_id", "text", "student", "value"])
    values = {(query_id, student): value for query_id, _, student, value in zip(*columns, strict=True)}
    queries, students = dict(zip(*columns[:2], strict=True)), list(dict.fromkeys(columns[2]))
    shown = list(queries)[:MOST_COLUMNS]
    height = 110 + 34 * len(students)
    drawn = look.figure(height, f"queries, the most unlike at the left: {len(shown):,} of {len(queries):,}", "")
    names = [look.safe(student, 46) for student in students]
    cells = [[values[query_id, student] for query_id in shown] for student in students]
    drawn.add_heatmap(
        z=cells,
        x=list(range(1, len(shown) + 1)),
        y=list(range(len(names))),
        zmin=0,
        zmax=max((max(row) for row in cells if row), default=1.0) or 1.0,
        # One hue, faint to full: a value is more or less of the same thing, and no verdict.
        colorscale=[[0, look.FAINT], [1, look.AFTER.colour]],
        colorbar={"title": look.safe(str(frames.constant(table, "measure"))), "thickness": 12},
        hoverinfo="skip",
    )
    look.targets(
        drawn,
        [
            look.Target(
                x,
                y,
                query_id,
                f"<b>{look.safe(queries[query_id], 80)}</b><br>query {look.safe(query_id, 60)}<br>{name}: {value:.3f}",
            )
            for y, (name, row) in enumerate(zip(names, cells, strict=True))
            for x, (query_id, value) in enumerate(zip(shown, row, strict=True), start=1)
        ],
        size=12,
    )
    drawn.update_yaxes(tickvals=list(range(len(names))), ticktext=names, showgrid=False, autorange="reversed")
    return drawn.update_xaxes(showgrid=False, range=[0.5, len(shown) + 0.5])


def rank_similarities(similarities: RankSimilarityResult | pd.DataFrame) -> go.Figure:
    """Draw how many queries have which value of a rank similarity."""
    table = similarities.to_frame() if isinstance(similarities, RankSimilarityResult) else similarities
    by = str(frames.constant(table, "by", "RBO"))
    named = find_rank_similarity(by)
    if not named:
        raise UnknownName("rank similarity", by, list(NAMES))
    values = [value for value in frames.records(table, ["value"])[0] if not frames.missing(value)]
    drawn = look.figure(300, f"{look.safe(by)}, {named[0].alike:g} is the same ranking", "queries")
    drawn.add_histogram(x=values, nbinsx=40, marker={"color": look.AFTER.colour}, name=f"{len(values):,} queries")
    return look.legend_on_top(drawn)


def measures(
    comparisons: Sequence[Comparison] | pd.DataFrame, before: str = "before", after: str = "after"
) -> go.Figure:
    """Draw each measure before and after as a dot with its 95 % interval; * marks what is better or worse.

    A frame is that of a diff's `comparisons_frame()`.
    """
    rows = frames.comparisons(comparisons)
    drawn = look.figure(90 + 42 * len(rows), "mean over queries, with 95 % interval", "")
    places = list(range(len(rows), 0, -1))
    sides = (
        (look.BEFORE, before, [row.before for row in rows], 0.13),
        (look.AFTER, after, [row.after for row in rows], -0.13),
    )
    for role, name, means, shift in sides:
        drawn.add_scatter(
            x=[mean.mean for mean in means],
            y=[place + shift for place in places],
            mode="markers",
            name=look.safe(name, 60),
            marker={"color": role.colour, "symbol": role.sign, "size": 10, "line": {"width": 2, "color": role.colour}},
            error_x=look.error_bars(means, role.colour),
            hovertext=[f"{look.safe(name, 60)}<br>{row.measure} {mean}" for row, mean in zip(rows, means, strict=True)],
            hoverinfo="text",
        )
    for row, place in zip(rows, places, strict=True):
        mark = "" if row.verdict == "no difference shown" else " *"
        drawn.add_annotation(
            text=f"{row.difference.mean:+.3f}{mark}", x=1, xref="x domain", xanchor="left", xshift=8, y=place,
            showarrow=False, hovertext=f"{row.evidence}: {row.in_words}",
        )  # fmt: skip
    drawn.update_yaxes(tickvals=places, ticktext=[row.measure for row in rows], showgrid=False)
    drawn.update_layout(margin={"r": 64})
    return look.legend_on_top(drawn)


def _deltas(diff: Diff | pd.DataFrame) -> tuple[str, list[Delta]]:
    """Return the measure of a diff and its queries, worst first."""
    if isinstance(diff, Diff):
        return diff.measure, list(diff.deltas)
    return str(frames.constant(diff, "measure")), frames.rows(Delta, diff)


def _hover(delta: Delta) -> str:
    return (
        f"<b>{look.safe(delta.text, 80)}</b><br>query {look.safe(delta.query_id, 60)}<br>"
        f"{delta.before:.3f} before, {delta.after:.3f} after ({delta.change:+.3f})"
    )
