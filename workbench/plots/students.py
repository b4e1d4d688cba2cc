"""Figures of many students: each recipe against its base, and settings, dev and test side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import plotly.graph_objects as go

from workbench.evaluation.significance import Interval
from workbench.plots import frames, look
from workbench.steps.compare.leaderboard import Leaderboard
from workbench.steps.compare.recipes import RecipeVerdict

if TYPE_CHECKING:
    import pandas as pd

MOST_RECIPES = 40
ROW = 58  # pixels: a label above its whisker
# Colours of movement, each with its word beside it.
COLOURS: dict[RecipeVerdict, str] = {
    "better": look.BETTER, "worse": look.WORSE, "no difference shown": look.SAME, "not evaluated": look.SAME
}  # fmt: skip
DASHES: dict[RecipeVerdict, str] = {
    "better": "solid", "worse": "solid", "no difference shown": "solid", "not evaluated": "dot"
}  # fmt: skip
MOST_TICKS = 8
SETTING = "setting: "


def recipes(board: Leaderboard | pd.DataFrame) -> go.Figure:
    """Draw each evaluated recipe as a dot with its 95 % interval, its seeds as small ones, and its base beside it.

    More than MOST_RECIPES are not drawn, and the figure says so.
    """
    table = board.to_frame() if isinstance(board, Leaderboard) else board
    measure, split = (str(frames.constant(table, name)) for name in ("measure", "split"))
    tested = [row for row in _rows(table) if not frames.missing(row["difference"])]
    shown = tested[:MOST_RECIPES]
    drawn = look.figure(96 + ROW * max(len(shown), 1), f"{look.safe(measure)} on {look.safe(split)}", "")
    for place, row in enumerate(shown):
        _whisker(drawn, row, -place, first=place == 0)
    _bm25(drawn, shown)
    left_out = f"the first {len(shown)} of {len(tested)} recipes" if len(shown) < len(tested) else ""
    drawn.update_yaxes(range=[-len(shown) + 0.55, 0.65], showticklabels=False, showgrid=False, zeroline=False)
    drawn.update_xaxes(zeroline=False)
    return look.legend_on_top(look.remark(drawn, left_out) if left_out else drawn)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a leaderboard's frame, which must have all of its columns."""
    frames.records(table, list(Leaderboard.columns))
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _bm25(drawn: go.Figure, rows: Sequence[dict[str, Any]]) -> None:
    """Draw BM25 as a line where it lies among the whiskers; far from them it is only named, lest it squeeze them."""
    if not rows or frames.missing(rows[0]["bm25"]):
        return
    mean = rows[0]["bm25"]
    low = min(min(row["before_low"], row["after_low"]) for row in rows)
    high = max(max(row["before_high"], row["after_high"]) for row in rows)
    near = low - (high - low) <= mean <= high + (high - low)
    if near:
        ends = min(low, mean), max(high, mean)
        margin = (ends[1] - ends[0]) / 20
        drawn.update_xaxes(range=[ends[0] - margin, ends[1] + margin])
        drawn.add_vline(x=mean, line={"color": look.BM25.colour, "dash": "dot", "width": 1.5})
    drawn.add_scatter(
        x=[None], y=[None], mode="lines", name=f"BM25 {mean:.3f}{'' if near else ', beyond the plot'}",
        line={"color": look.BM25.colour, "dash": "dot"},
    )  # fmt: skip


def _whisker(drawn: go.Figure, row: dict[str, Any], y: int, *, first: bool) -> None:
    sides = ((look.BEFORE, "before", row["base"], y - 0.2, 9), (look.AFTER, "after", row["recipe"], y + 0.04, 11))
    for role, side, name, at, size in sides:
        mean = Interval(row[side], row[f"{side}_low"], row[f"{side}_high"], 0)
        drawn.add_scatter(
            x=[mean.mean], y=[at], mode="markers", name=role.word, legendgroup=role.word, showlegend=first,
            marker={"color": role.colour, "symbol": role.sign, "size": size,
                    "line": {"width": 2, "color": role.colour}},
            error_x=look.error_bars([mean], role.colour),
            hovertext=f"{look.safe(name, 80)}<br>{row['measure']} {mean}", hoverinfo="text",
        )  # fmt: skip
    seeds = row["seeds"] if len(row["seeds"]) > 1 else []
    drawn.add_scatter(
        x=[mean for _, mean in seeds], y=[y + 0.04] * len(seeds), mode="markers", name="single seeds",
        marker={"color": look.AFTER.colour, "symbol": "line-ns", "size": 11, "opacity": 0.8,
                "line": {"width": 1.5, "color": look.AFTER.colour}},
        hovertext=[f"seed {seed}: {mean:.3f}" for seed, mean in seeds], hoverinfo="text",
        legendgroup="seeds", showlegend=first and bool(seeds),
    )  # fmt: skip
    drawn.add_annotation(
        text=f"{look.safe(row['recipe'], 70)}: <b>{row['difference']:+.3f}, {row['verdict']}</b>", x=0,
        xref="x domain", y=y + 0.39, xanchor="left", showarrow=False, font={"size": 12.5},
        hovertext=look.safe(f"{row['recipe']}: {row['in_words']}"),
    )  # fmt: skip


def parallel(board: Leaderboard | pd.DataFrame) -> go.Figure:
    """Draw each recipe as a line over the settings that differ, dev, the measures and its seconds.

    Colour and legend say its verdict: a click on a verdict there takes those recipes away. Of the measures those are
    drawn that every recipe has, or, if none has been evaluated, none.
    """
    table = board.to_frame() if isinstance(board, Leaderboard) else board
    rows = _rows(table)
    shown = [row for row in rows if not frames.missing(row["difference"])] or rows
    axes = _axes(shown, list(table.columns), str(frames.constant(table, "split")))
    drawn = look.figure(420, "", "")
    named: set[RecipeVerdict] = set()
    for place, row in enumerate(shown):
        verdict = row["verdict"]
        drawn.add_scatter(
            x=list(range(len(axes))), y=[axis.heights[place] for axis in axes], mode="lines+markers",
            line={"color": COLOURS[verdict], "width": 2.2, "dash": DASHES[verdict]}, marker={"size": 6},
            name=verdict, legendgroup=verdict, showlegend=verdict not in named,
            hovertext=f"<b>{look.safe(row['recipe'], 90)}</b><br>{look.safe(row['in_words'], 140)}", hoverinfo="text",
        )  # fmt: skip
        named.add(verdict)
    for place, axis in enumerate(axes):
        drawn.add_shape(type="line", x0=place, x1=place, y0=-0.04, y1=1.04, line={"color": look.SAME, "width": 1})
        last = place == len(axes) - 1
        for height, text in axis.ticks:
            drawn.add_annotation(
                text=text, x=place, y=height, showarrow=False, **_anchor(axis, height, place, last=last)
            )
    titles = [look.safe(axis.name) for axis in axes]
    drawn.update_xaxes(tickvals=list(range(len(axes))), ticktext=titles, range=[-0.25, len(axes) - 0.75])
    drawn.update_xaxes(showgrid=False, zeroline=False)
    drawn.update_yaxes(range=[-0.14, 1.14], showticklabels=False, showgrid=False, zeroline=False)
    return look.legend_on_top(drawn)


def _axes(rows: Sequence[dict[str, Any]], columns: Sequence[str], split: str) -> list[_Axis]:
    """Return the axes of recipes: settings, dev, the measures that all of them have, and seconds."""
    settings = [name for name in columns if name.startswith(SETTING)]
    measures = [name for name in columns if name not in Leaderboard.columns and name not in settings]
    axes = [_setting(name.removeprefix(SETTING), [row[name] for row in rows]) for name in settings]
    axes.append(_number("dev", [0.0 if frames.missing(row["dev"]) else row["dev"] for row in rows]))
    for name in measures:
        if not any(frames.missing(row[name]) for row in rows):
            axes.append(_number(f"{name} {split}", [row[name] for row in rows]))
    return [*axes, _number("seconds", [row["seconds"] for row in rows], ".0f")]


class _Axis(NamedTuple):
    """One axis of a parallel plot: its name, where each line crosses it (0 to 1), and where it says what."""

    name: str
    heights: list[float]
    ticks: list[tuple[float, str]]
    words: bool = False


def _number(name: str, values: Sequence[float], form: str = ".3f") -> _Axis:
    low, high = min(values), max(values)
    if low == high:
        return _Axis(name, [0.5] * len(values), [(1.0, format(low, form))])
    heights = [(value - low) / (high - low) for value in values]
    return _Axis(name, heights, [(0.0, format(low, form)), (1.0, format(high, form))])


def _setting(name: str, values: Sequence[Any]) -> _Axis:
    """Return an axis for a setting: words, and numbers of which there are a few, evenly spaced; else to scale."""
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    distinct = sorted(set(values)) if numeric else sorted({str(value) for value in values})
    if numeric and len(distinct) > MOST_TICKS:
        return _number(name.replace("_", " "), values, ".3g")
    places = [distinct.index(value if numeric else str(value)) for value in values]
    whole = max(len(distinct) - 1, 1)
    words = [f"{value:.4g}" if numeric else look.safe(str(value), 18) for value in distinct]
    ticks = [(place / whole, word) for place, word in enumerate(words)]
    return _Axis(name.replace("_", " "), [place / whole for place in places], ticks, words=True)


def _anchor(axis: _Axis, height: float, place: int, *, last: bool) -> dict[str, Any]:
    """Return where a tick's text goes: words beside the axis, the ends of a scale above and below it."""
    if not axis.words:
        return {"yshift": 14 if height else -14}
    # Above and below in turn: on a narrow screen a word reaches to the next axis.
    return {"xanchor": "right" if last else "left", "xshift": -6 if last else 6, "yshift": -9 if place % 2 else 9}
