"""Figures of many students: each recipe against its base, and settings, dev and test side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.plots import look
from workbench.steps.recipes import Recipe, Standing, Verdict
from workbench.steps.standings import Standings

MOST_RECIPES = 40
ROW = 46  # pixels: a label above its whisker
# Colours of movement, each with its word beside it.
COLOURS: dict[Verdict, str] = {
    "better": look.BETTER, "worse": look.WORSE, "not shown to be better": look.SAME, "not evaluated": look.SAME
}  # fmt: skip
MOST_TICKS = 8


def recipes(found: Standings) -> go.Figure:
    """Draw each evaluated recipe as a dot with its 95 % interval, its seeds as small ones, and its base beside it.

    More than MOST_RECIPES are not drawn, and the figure says so.
    """
    tested = [each for each in found.recipes if each.comparison]
    shown = tested[:MOST_RECIPES]
    drawn = look.figure(96 + ROW * max(len(shown), 1), f"{look.safe(found.measure)} on {look.safe(found.split)}", "")
    single = {row.student: row for row in found.students}
    for place, recipe in enumerate(shown):
        _whisker(drawn, recipe, -place, [single[name] for name in recipe.students], found.measure, first=place == 0)
    if (bm25 := single.get("bm25")) and (mean := bm25.measures.get(found.measure)):
        drawn.add_vline(x=mean.mean, line={"color": look.BM25.colour, "dash": "dot", "width": 1.5})
        drawn.add_scatter(
            x=[None], y=[None], mode="lines", name=f"BM25, {mean.mean:.3f}",
            line={"color": look.BM25.colour, "dash": "dot"},
        )  # fmt: skip
    left_out = f"the first {len(shown)} of {len(tested)} recipes" if len(shown) < len(tested) else ""
    drawn.update_yaxes(range=[-len(shown) + 0.5, 0.8], showticklabels=False, showgrid=False, zeroline=False)
    drawn.update_xaxes(zeroline=False)
    return look.legend_on_top(look.remark(drawn, left_out) if left_out else drawn)


def _whisker(drawn: go.Figure, recipe: Recipe, y: int, rows: Sequence[Standing], measure: str, *, first: bool) -> None:
    assert recipe.comparison is not None
    before, after = recipe.comparison.before, recipe.comparison.after
    for role, span, at, size in ((look.BEFORE, before, y - 0.14, 9), (look.AFTER, after, y + 0.1, 11)):
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
        x=[row.measures[measure].mean for row in seeds], y=[y + 0.1] * len(seeds), mode="markers", name="single seeds",
        marker={"color": look.AFTER.colour, "symbol": "line-ns", "size": 11, "opacity": 0.8,
                "line": {"width": 1.5, "color": look.AFTER.colour}},
        hovertext=[f"seed {row.seed}: {row.measures[measure]}" for row in seeds], hoverinfo="text",
        legendgroup="seeds", showlegend=first and bool(seeds),
    )  # fmt: skip
    difference = f"{recipe.comparison.difference.mean:+.3f}"
    drawn.add_annotation(
        text=f"{look.safe(recipe.label, 70)}: <b>{difference}, {recipe.verdict}</b>", x=0, xref="x domain", y=y + 0.42,
        xanchor="left", showarrow=False, font={"size": 12.5},
        hovertext=look.safe(f"{recipe.label}: {recipe.answer}"),
    )  # fmt: skip


def parallel(found: Standings) -> go.Figure:
    """Draw each recipe as a line over the settings that differ, dev, and the measures, coloured by its verdict.

    Drag along an axis to keep a part of it. A recipe that was not evaluated has no place on the measures' axes, so
    only those that were are drawn, if any were.
    """
    shown = [each for each in found.recipes if each.comparison] or list(found.recipes)
    verdicts = list(COLOURS)
    dimensions = [_setting(name, [each.settings[name] for each in shown]) for name in found.differing]
    dimensions.append(_number("dev", [each.dev.mean if each.dev else 0.0 for each in shown]))
    for name in found.measures:
        if all(name in each.measures for each in shown):
            dimensions.append(_number(f"{name}, {found.split}", [each.measures[name].mean for each in shown]))
    dimensions.append(_number("seconds", [each.seconds for each in shown], ".0f"))
    drawn = look.figure(380, "", "")
    drawn.add_parcoords(
        dimensions=dimensions,
        line={
            "color": [verdicts.index(each.verdict) for each in shown], "cmin": 0, "cmax": len(verdicts) - 1,
            "colorscale": [[place / (len(verdicts) - 1), COLOURS[verdict]] for place, verdict in enumerate(verdicts)],
        },
        unselected={"line": {"color": look.SAME, "opacity": 0.15}},
        labelfont={"size": 13}, tickfont={"size": 12}, rangefont={"size": 1, "color": "rgba(0, 0, 0, 0)"},
    )  # fmt: skip
    return drawn.update_layout(margin={"l": 60, "r": 60, "t": 60, "b": 24})


def _number(label: str, values: Sequence[float], form: str = ".3f") -> dict[str, Any]:
    low, high = min(values), max(values)
    room = (high - low) * 0.04 or abs(low) * 0.05 or 1.0
    return {"label": look.safe(label), "values": list(values), "range": [low - room, high + room], "tickformat": form}


def _setting(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return an axis for a setting: words, and numbers of which there are a few, evenly spaced; else to scale."""
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    distinct = sorted(set(values)) if numeric else sorted({str(value) for value in values})
    if numeric and len(distinct) > MOST_TICKS:
        return _number(name.replace("_", " "), values, "~g")
    places = [distinct.index(value if numeric else str(value)) for value in values]
    words = [f"{value:.4g}" if numeric else look.safe(str(value), 24) for value in distinct]
    return {
        "label": look.safe(name.replace("_", " ")), "values": places, "tickvals": list(range(len(distinct))),
        "ticktext": words, "range": [-0.3, max(len(distinct) - 0.7, 0.3)],
    }  # fmt: skip
