"""Figures of a student's agreement with its teacher: queries that came closer, reliability, the gap recovered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from workbench.evaluation.significance import Interval
from workbench.evaluation.teacher_agreement import TEACHER_AGREEMENTS
from workbench.plots import frames, look
from workbench.steps.compare.agreement.calibration import ReliabilityBin, ReliabilityCurve
from workbench.steps.compare.agreement.gap_recovered import GapRecovered
from workbench.steps.compare.agreement.teacher_agreement import TeacherAgreement

if TYPE_CHECKING:
    import pandas as pd


class _Dot(NamedTuple):
    query_id: str
    text: str
    passages: int
    before: float
    after: float


def closer(agreement: TeacherAgreement | pd.DataFrame, by: str = "KL") -> go.Figure:
    """Draw each query as a dot, its agreement before to the right, after upward; needs a student before."""
    table = agreement.to_frame() if isinstance(agreement, TeacherAgreement) else agreement
    higher = TEACHER_AGREEMENTS[by].higher_is_closer
    unit = str(frames.constant(table, "unit")) if by == "regret" else TEACHER_AGREEMENTS[by].unit
    named = f", {unit}" if unit else ""
    drawn = look.figure(370, f"{by} before{named}", f"{by} after{named}")
    values = frames.records(table, ["query_id", "text", "passages", f"{by}_before", by])
    dots = [_Dot(*row) for row in zip(*values, strict=True) if not (frames.missing(row[3]) or frames.missing(row[4]))]
    ends = [value for dot in dots for value in (dot.before, dot.after)] or [0.0, 1.0]
    drawn.add_scatter(
        x=[min(ends), max(ends)], y=[min(ends), max(ends)], mode="lines", showlegend=False, hoverinfo="skip",
        line={"color": look.SAME, "width": 1, "dash": "dot"},
    )  # fmt: skip
    sides = (
        ("closer", look.BETTER, "triangle-up" if higher else "triangle-down", 1),
        ("as far", look.SAME, "circle", 0),
        ("farther", look.WORSE, "triangle-down" if higher else "triangle-up", -1),
    )
    for word, colour, sign, direction in sides:
        shown = [dot for dot in dots if _direction(dot, higher=higher) == direction]
        drawn.add_scatter(
            x=[dot.before for dot in shown], y=[dot.after for dot in shown], mode="markers",
            name=f"{len(shown):,} {word}", marker={"color": colour, "symbol": sign, "opacity": 0.55, "size": 6},
            hovertext=[_hover(dot, by) for dot in shown], hoverinfo="text",
            customdata=[dot.query_id for dot in shown],
        )  # fmt: skip
    return look.legend_on_top(drawn)


def _direction(dot: _Dot, *, higher: bool) -> int:
    if dot.before == dot.after:
        return 0
    return 1 if (dot.after > dot.before) == higher else -1


def _hover(dot: _Dot, by: str) -> str:
    return (
        f"<b>{look.safe(dot.text, 80)}</b><br>query {look.safe(dot.query_id, 60)}, {dot.passages:,} passages<br>"
        f"{by} {dot.before:.3f} before, {dot.after:.3f} after"
    )


def reliability(
    after: ReliabilityCurve | pd.DataFrame, before: ReliabilityCurve | pd.DataFrame | None = None
) -> go.Figure:
    """Draw what was observed against what was predicted, with 95 % intervals; on the diagonal a prediction is right."""
    curves = {role: _curve(one) for role, one in ((look.BEFORE, before), (look.AFTER, after)) if one is not None}
    drawn = look.figure(370, curves[look.AFTER].predicted, curves[look.AFTER].observed)
    if curves[look.AFTER].error is not None:
        drawn.add_scatter(
            x=[0, 1], y=[0, 1], mode="lines", showlegend=False, hoverinfo="skip",
            line={"color": look.SAME, "width": 1, "dash": "dot"},
        )  # fmt: skip
    for role, curve in curves.items():
        error = "" if curve.error is None else f", calibration error {curve.error:.3f}"
        drawn.add_scatter(
            x=[one.predicted for one in curve.bins],
            y=[one.observed.mean for one in curve.bins],
            mode="lines+markers",
            name=f"{role.word if len(curves) > 1 else 'student'}{error}",
            line={"color": role.colour, "width": 1.5},
            marker={"color": role.colour, "symbol": role.sign, "size": 8},
            error_y=look.error_bars([one.observed for one in curve.bins], role.colour),
            hovertext=[
                f"{one.n:,} predicted {one.low:.3f} to {one.high:.3f}, mean {one.predicted:.3f}<br>"
                f"observed {one.observed}"
                for one in curve.bins
            ],
            hoverinfo="text",
        )
    return look.legend_on_top(drawn)


def _curve(data: ReliabilityCurve | pd.DataFrame) -> ReliabilityCurve:
    if isinstance(data, ReliabilityCurve):
        return data
    names = ["low", "high", "n", "predicted", "observed", "observed_low", "observed_high"]
    bins = [
        ReliabilityBin(low, high, n, predicted, Interval(mean, least, most, n))
        for low, high, n, predicted, mean, least, most in zip(*frames.records(data, names), strict=True)
    ]
    error = frames.constant(data, "error")
    predicted, observed = (str(frames.constant(data, name)) for name in ("predicted_name", "observed_name"))
    return ReliabilityCurve(predicted, observed, tuple(bins), None if frames.missing(error) else float(error))


def gap_recovered(gaps: Sequence[GapRecovered] | pd.DataFrame) -> go.Figure:
    """Draw student before, student and teacher on each measure, over the same passages, and the share recovered."""
    rows = _gaps(gaps)
    drawn = look.figure(100 + 46 * len(rows), "mean over judged queries, with 95 % interval", "")
    places = list(range(len(rows), 0, -1))
    sides = (
        (look.BEFORE, [gap.before for gap in rows]),
        (look.AFTER, [gap.student for gap in rows]),
        (look.TEACHER, [gap.teacher for gap in rows]),
    )
    for role, means in sides:
        drawn.add_scatter(
            x=[mean.mean for mean in means],
            y=places,
            mode="markers",
            name=role.word,
            marker={"color": role.colour, "symbol": role.sign, "size": 10, "line": {"width": 2, "color": role.colour}},
            error_x=look.error_bars(means, role.colour),
            hovertext=[f"{role.word}<br>{gap.measure} {mean}" for gap, mean in zip(rows, means, strict=True)],
            hoverinfo="text",
        )
    for gap, place in zip(rows, places, strict=True):
        share = f"recovered {gap.share.mean:.0%}" if gap.share else gap.share_in_words
        drawn.add_annotation(
            text=share, x=1, xref="x domain", xanchor="left", xshift=8, y=place, showarrow=False,
            hovertext=gap.in_words,
        )  # fmt: skip
    drawn.update_yaxes(tickvals=places, ticktext=[gap.measure for gap in rows], showgrid=False)
    drawn.update_layout(margin={"r": 140})
    return look.legend_on_top(drawn)


def _gaps(data: Sequence[GapRecovered] | pd.DataFrame) -> list[GapRecovered]:
    if not frames.is_frame(data):
        return list(data)  # type: ignore[arg-type]
    names = ("before", "student", "teacher", "lead", "share")
    columns = ["measure", "queries", *(f"{name}{end}" for name in names for end in ("", "_low", "_high"))]
    gaps = []
    for measure, queries, *limits in zip(*frames.records(data, columns), strict=True):
        before, student, teacher, lead, share = (
            Interval(limits[at], limits[at + 1], limits[at + 2], queries) for at in range(0, len(limits), 3)
        )
        recovered = None if frames.missing(share.mean) else share
        gaps.append(GapRecovered(measure, before, student, teacher, lead, recovered))
    return gaps
