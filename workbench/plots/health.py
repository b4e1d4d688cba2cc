"""Figures of teachers' health: their shares and correlations beside one another, and how even their utilities are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from workbench.evaluation.significance import Interval
from workbench.plots import frames, look
from workbench.steps.compare.health.figures import UNBOUNDED
from workbench.steps.compare.health.teacher_health import TeacherHealth

if TYPE_CHECKING:
    import pandas as pd

SIGNS = ("diamond", "diamond-open")
BINS = 24


def health(first: TeacherHealth | pd.DataFrame, second: TeacherHealth | pd.DataFrame | None = None) -> go.Figure:
    """Draw the shares and correlations of a teacher's health with their 95 % intervals, of two side by side."""
    drawn = look.figure(380, "share or correlation, mean over queries", "")
    for number, one in enumerate(table for table in (first, second) if table is not None):
        table = one.to_frame() if isinstance(one, TeacherHealth) else one
        rows = [
            (name, Interval(mean, low, high, int(queries)))
            for name, mean, low, high, queries in zip(
                *frames.records(table, ["figure", "mean", "low", "high", "queries"]), strict=True
            )
            if name not in UNBOUNDED
        ]
        spans = [span for _, span in rows]
        bars = look.error_bars(spans, look.TEACHER.colour)
        drawn.add_scatter(
            x=[span.mean for span in spans], y=[name for name, _ in rows], error_x=bars, mode="markers",
            name=look.safe(frames.constant(table, "teacher"), 60),
            marker={"color": look.TEACHER.colour, "symbol": SIGNS[number], "size": 9},
            hovertext=[f"{name}: {span}, {span.n:,} queries" for name, span in rows], hoverinfo="text",
        )  # fmt: skip
    drawn.update_yaxes(autorange="reversed")
    return look.legend_on_top(drawn)


def effective_passages(
    first: TeacherHealth | pd.DataFrame, second: TeacherHealth | pd.DataFrame | None = None
) -> go.Figure:
    """Draw over how many passages a query's target is spread; a frame is that of `TeacherHealth.shapes_frame()`."""
    tables = [
        one.shapes_frame() if isinstance(one, TeacherHealth) else one for one in (first, second) if one is not None
    ]
    series = [np.exp(frames.records(table, ["entropy"])[0]) for table in tables]
    edges = np.histogram_bin_edges(np.concatenate(series), BINS)
    drawn = look.figure(380, "effective passages of a query", "share of the queries")
    for number, (table, values) in enumerate(zip(tables, series, strict=True)):
        counts, _ = np.histogram(values, edges)
        drawn.add_scatter(
            x=(edges[:-1] + edges[1:]) / 2, y=counts / max(1, counts.sum()), mode="lines",
            line={"shape": "hvh", "color": look.TEACHER.colour, "dash": ("solid", "dot")[number]},
            name=look.safe(frames.constant(table, "teacher"), 60),
            hovertext=[
                f"{low:.1f} to {high:.1f}: {count:,} of {counts.sum():,} queries"
                for low, high, count in zip(edges, edges[1:], counts.tolist(), strict=False)
            ],
            hoverinfo="text",
        )  # fmt: skip
    drawn.update_layout(yaxis_tickformat=".0%")
    return look.legend_on_top(drawn)
