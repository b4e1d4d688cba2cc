"""Figures of many students: each recipe against its base, and settings, dev and test side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from workbench.plots import look
from workbench.steps.compare.leaderboard import Leaderboard
from workbench.steps.compare.recipes import LeaderboardRow, Recipe, RecipeVerdict
from workbench.students import BM25

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


def recipes(found: Leaderboard) -> go.Figure:
    """Draw each evaluated recipe as a dot with its 95 % interval, its seeds as small ones, and its base beside it.

    More than MOST_RECIPES are not drawn, and the figure says so.
    """
    tested = [each for each in found.recipes if each.comparison]
    shown = tested[:MOST_RECIPES]
    drawn = look.figure(96 + ROW * max(len(shown), 1), f"{look.safe(found.measure)} on {look.safe(found.split)}", "")
    single = {row.student: row for row in found.students}
    for place, recipe in enumerate(shown):
        _whisker(drawn, recipe, -place, [single[name] for name in recipe.students], found.measure, first=place == 0)
    _bm25(drawn, single.get(BM25), found.measure, shown)
    left_out = f"the first {len(shown)} of {len(tested)} recipes" if len(shown) < len(tested) else ""
    drawn.update_yaxes(range=[-len(shown) + 0.55, 0.65], showticklabels=False, showgrid=False, zeroline=False)
    drawn.update_xaxes(zeroline=False)
    return look.legend_on_top(look.remark(drawn, left_out) if left_out else drawn)


def _bm25(drawn: go.Figure, row: LeaderboardRow | None, measure: str, shown: Sequence[Recipe]) -> None:
    """Draw BM25 as a line where it lies among the whiskers; far from them it is only named, lest it squeeze them."""
    spans = [span for each in shown if each.comparison for span in (each.comparison.before, each.comparison.after)]
    if not row or measure not in row.measures or not spans:
        return
    mean = row.measures[measure].mean
    low, high = min(span.low for span in spans), max(span.high for span in spans)
    near = low - (high - low) / 2 <= mean <= high + (high - low) / 2
    if near:
        drawn.add_vline(x=mean, line={"color": look.BM25.colour, "dash": "dot", "width": 1.5})
    drawn.add_scatter(
        x=[None], y=[None], mode="lines", name=f"BM25 {mean:.3f}{'' if near else ', beyond the plot'}",
        line={"color": look.BM25.colour, "dash": "dot"},
    )  # fmt: skip


def _whisker(
    drawn: go.Figure, recipe: Recipe, y: int, rows: Sequence[LeaderboardRow], measure: str, *, first: bool
) -> None:
    assert recipe.comparison is not None
    before, after = recipe.comparison.before, recipe.comparison.after
    for role, span, at, size in ((look.BEFORE, before, y - 0.2, 9), (look.AFTER, after, y + 0.04, 11)):
        drawn.add_scatter(
            x=[span.mean], y=[at], mode="markers", name=role.word, legendgroup=role.word, showlegend=first,
            marker={"color": role.colour, "symbol": role.sign, "size": size,
                    "line": {"width": 2, "color": role.colour}},
            error_x={"type": "data", "symmetric": False, "array": [span.high - span.mean],
                     "arrayminus": [span.mean - span.low], "color": role.colour, "thickness": 1.5, "width": 4},
            hovertext=f"{look.safe(recipe.base if role is look.BEFORE else recipe.label, 80)}<br>{measure} {span}",
            hoverinfo="text",
        )  # fmt: skip
    seeds = [row for row in rows if measure in row.measures] if len(rows) > 1 else []
    drawn.add_scatter(
        x=[row.measures[measure].mean for row in seeds], y=[y + 0.04] * len(seeds), mode="markers", name="single seeds",
        marker={"color": look.AFTER.colour, "symbol": "line-ns", "size": 11, "opacity": 0.8,
                "line": {"width": 1.5, "color": look.AFTER.colour}},
        hovertext=[f"seed {row.seed}: {row.measures[measure]}" for row in seeds], hoverinfo="text",
        legendgroup="seeds", showlegend=first and bool(seeds),
    )  # fmt: skip
    difference = f"{recipe.comparison.difference.mean:+.3f}"
    drawn.add_annotation(
        text=f"{look.safe(recipe.label, 70)}: <b>{difference}, {recipe.verdict}</b>", x=0, xref="x domain", y=y + 0.39,
        xanchor="left", showarrow=False, font={"size": 12.5},
        hovertext=look.safe(f"{recipe.label}: {recipe.in_words}"),
    )  # fmt: skip


def parallel(found: Leaderboard) -> go.Figure:
    """Draw each recipe as a line over the settings that differ, dev, the measures and its seconds.

    Colour and legend say its verdict: a click on a verdict there takes those recipes away. Of the measures those are
    drawn that every recipe has, or, if none has been evaluated, none.
    """
    shown = [each for each in found.recipes if each.comparison] or list(found.recipes)
    axes = [_setting(name, [each.settings[name] for each in shown]) for name in found.differing]
    axes.append(_number("dev", [each.dev.mean if each.dev else 0.0 for each in shown]))
    for name in found.measures:
        if all(name in each.measures for each in shown):
            axes.append(_number(f"{name} {found.split}", [each.measures[name].mean for each in shown]))
    axes.append(_number("seconds", [each.seconds for each in shown], ".0f"))
    drawn = look.figure(420, "", "")
    named: set[RecipeVerdict] = set()
    for place, recipe in enumerate(shown):
        drawn.add_scatter(
            x=list(range(len(axes))), y=[axis.heights[place] for axis in axes], mode="lines+markers",
            line={"color": COLOURS[recipe.verdict], "width": 2.2, "dash": DASHES[recipe.verdict]}, marker={"size": 6},
            name=recipe.verdict, legendgroup=recipe.verdict, showlegend=recipe.verdict not in named,
            hovertext=f"<b>{look.safe(recipe.label, 90)}</b><br>{look.safe(recipe.in_words, 140)}", hoverinfo="text",
        )  # fmt: skip
        named.add(recipe.verdict)
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
