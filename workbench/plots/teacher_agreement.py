"""Figures of a student's agreement with its teacher: which queries came closer, how sure it may be, what it kept."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from workbench.evaluation import TEACHER_AGREEMENTS
from workbench.plots import look
from workbench.steps.compare.calibration import ReliabilityCurve
from workbench.steps.compare.gap_recovered import GapRecovered
from workbench.steps.compare.teacher_agreement import QueryAgreement, TeacherAgreement, closeness


def closer(found: TeacherAgreement, by: str = "KL") -> go.Figure:
    """Draw each query as a dot, its agreement before to the right, after upward; needs a student before."""
    higher, unit = (
        TEACHER_AGREEMENTS[by].closer_is_higher,
        f", {TEACHER_AGREEMENTS[by].unit}" if TEACHER_AGREEMENTS[by].unit else "",
    )
    drawn = look.figure(370, f"{by} before{unit}", f"{by} after{unit}")
    rows = [
        (row, one, other)
        for row in found.rows
        if (one := row.before.get(by)) is not None and (other := row.after[by]) is not None
    ]
    ends = [value for _, *both in rows for value in both] or [0.0, 1.0]
    drawn.add_scatter(
        x=[min(ends), max(ends)], y=[min(ends), max(ends)], mode="lines", showlegend=False, hoverinfo="skip",
        line={"color": look.SAME, "width": 1, "dash": "dot"},
    )  # fmt: skip
    sides = (
        ("closer", look.BETTER, "triangle-up" if higher else "triangle-down", 1),
        ("as far", look.SAME, "circle", 0),
        ("farther", look.WORSE, "triangle-down" if higher else "triangle-up", -1),
    )
    for word, colour, sign, way in sides:
        dots = [dot for dot in rows if _way(dot[1], dot[2], higher=higher) == way]
        drawn.add_scatter(
            x=[one for _, one, _ in dots], y=[other for *_, other in dots], mode="markers",
            name=f"{len(dots):,} {word}", marker={"color": colour, "symbol": sign, "opacity": 0.55, "size": 6},
            hovertext=[_told(row, by, one, other) for row, one, other in dots], hoverinfo="text",
        )  # fmt: skip
    return look.legend_on_top(drawn)


def _way(before: float, after: float, *, higher: bool) -> int:
    if before == after:
        return 0
    return 1 if (after > before) == higher else -1


def _told(row: QueryAgreement, by: str, before: float, after: float) -> str:
    return (
        f"<b>{look.safe(row.text, 80)}</b><br>query {look.safe(row.query_id, 60)}, {row.passages:,} passages<br>"
        f"{by} {before:.3f} before, {after:.3f} after"
    )


def reliability(after: ReliabilityCurve, before: ReliabilityCurve | None = None) -> go.Figure:
    """Draw what was observed against what was predicted, with 95 % intervals; on the diagonal a prediction is right."""
    drawn = look.figure(370, after.predicted, after.observed)
    if after.error is not None:
        drawn.add_scatter(
            x=[0, 1], y=[0, 1], mode="lines", showlegend=False, hoverinfo="skip",
            line={"color": look.SAME, "width": 1, "dash": "dot"},
        )  # fmt: skip
    for role, curve in ((look.BEFORE, before), (look.AFTER, after)):
        if not curve:
            continue
        error = "" if curve.error is None else f", calibration error {curve.error:.3f}"
        drawn.add_scatter(
            x=[each.predicted for each in curve.bins],
            y=[each.observed.mean for each in curve.bins],
            mode="lines+markers",
            name=f"{role.word if before else 'student'}{error}",
            line={"color": role.colour, "width": 1.5},
            marker={"color": role.colour, "symbol": role.sign, "size": 8},
            error_y=look.error_bars([each.observed for each in curve.bins], role.colour),
            hovertext=[
                f"{each.n:,} predicted {each.low:.3f} to {each.high:.3f}, mean {each.predicted:.3f}<br>"
                f"observed {each.observed}"
                for each in curve.bins
            ],
            hoverinfo="text",
        )
    return look.legend_on_top(drawn)


def gap_recovered(found: Sequence[GapRecovered]) -> go.Figure:
    """Draw student before, student and teacher on each measure, over the same passages, and the share kept beside."""
    drawn = look.figure(100 + 46 * len(found), "mean over judged queries, with 95 % interval", "")
    places = list(range(len(found), 0, -1))
    sides = (
        (look.BEFORE, [each.before for each in found]),
        (look.AFTER, [each.student for each in found]),
        (look.TEACHER, [each.teacher for each in found]),
    )
    for role, spans in sides:
        drawn.add_scatter(
            x=[span.mean for span in spans],
            y=places,
            mode="markers",
            name=role.word,
            marker={"color": role.colour, "symbol": role.sign, "size": 10, "line": {"width": 2, "color": role.colour}},
            error_x=look.error_bars(spans, role.colour),
            hovertext=[f"{role.word}<br>{each.measure} {span}" for each, span in zip(found, spans, strict=True)],
            hoverinfo="text",
        )
    for each, place in zip(found, places, strict=True):
        said = f"kept {each.share.mean:.0%}" if each.share and each.share.high >= 0 else each.share_in_words
        drawn.add_annotation(
            text=said, x=1, xref="x domain", xanchor="left", xshift=8, y=place, showarrow=False, hovertext=each.in_words
        )
    drawn.update_yaxes(tickvals=places, ticktext=[each.measure for each in found], showgrid=False)
    drawn.update_layout(margin={"r": 140})
    return look.legend_on_top(drawn)


def agreement(found: TeacherAgreement) -> go.Figure:
    """Draw the means of every kind as a compact table, before and after where there are both."""
    header, rows = (
        ["", "mean", "meaning"],
        [(kind, f"{mean}", TEACHER_AGREEMENTS[kind].meaning) for kind, mean in found.after.items()],
    )
    columns: list[Sequence[str]] = [*zip(*rows, strict=True)]
    if found.comparisons:
        header = ["", "before", "after", "difference", "finding"]
        columns = [
            [each.measure for each in found.comparisons],
            [f"{each.before}" for each in found.comparisons],
            [f"{each.after}" for each in found.comparisons],
            [f"{each.difference.mean:+.3f}" for each in found.comparisons],
            [closeness(each) for each in found.comparisons],
        ]
    drawn = look.figure(60 + 27 * len(columns[0]), "", "")
    clear = "rgba(0, 0, 0, 0)"
    drawn.add_table(
        header={"values": header, "align": "left", "fill_color": clear, "line_color": look.FAINT, "height": 26},
        cells={
            "values": columns,
            "align": "left", "fill_color": clear, "line_color": look.FAINT, "height": 26,
        },
        columnwidth=[1, 2, 2, 1.2, 3] if found.comparisons else [1, 2, 5],
    )  # fmt: skip
    return drawn
