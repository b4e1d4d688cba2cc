"""The figure of one query's softmaxes: teacher, student before and after, with arrows and the pull of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from workbench.plots import frames, look
from workbench.records import NO_TEXT
from workbench.steps.compare.agreement.query_softmaxes import PassageShares, QuerySoftmaxes

if TYPE_CHECKING:
    import pandas as pd

MOST = 14  # passages that a figure has room for: those with the largest probabilities
LEAST_MOVE = 0.012  # of the axis: a shorter arrow has no room for its head
TITLE_LENGTH = 30
SIGNS = {"up": "▲ up", "down": "▼ down"}
COLOURS = {"up": look.BETTER, "down": look.WORSE}


def softmaxes(query: QuerySoftmaxes | pd.DataFrame) -> go.Figure:
    """Draw each passage's probability to the teacher and to the student, an arrow from the student before.

    At the right stands whether the loss pulls the passage up or pushes it down. Of many passages those with the largest
    probabilities are drawn, and the figure says how many are left out.
    """
    every = _passages(query)
    largest = sorted(every, key=lambda one: -max(one.teacher, one.student, one.before or 0.0))[:MOST]
    shown = [one for one in every if one in largest]
    drawn = look.figure(130 + 30 * max(len(shown), 2), "probability", "")
    rows = list(range(len(shown), 0, -1))
    reach = 1.06 * max([one.teacher for one in shown] + [max(one.student, one.before or 0.0) for one in shown] + [0.02])
    for row, one in zip(rows, shown, strict=True):
        drawn.add_shape(type="line", x0=0, x1=reach, y0=row, y1=row, line={"color": look.FAINT, "width": 1})
        _arrow(drawn, one, row, reach)
        drawn.add_annotation(
            text=_pull(one), x=1, xref="x domain", xanchor="left", xshift=10, y=row, showarrow=False,
            font={"color": COLOURS.get(one.direction, look.SAME)}, hovertext=f"negative gradient {one.pull:+.3g}",
        )  # fmt: skip
    sides = ((look.TEACHER, "teacher"), (look.BEFORE, "before"), (look.AFTER, "student"))
    for role, name in sides:
        values = [getattr(one, name) for one in shown]
        if None in values:
            continue
        is_alone = role is look.AFTER and all(one.before is None for one in shown)
        drawn.add_scatter(
            x=values, y=rows, mode="markers", name="student" if is_alone else role.word,
            marker={"color": role.colour, "symbol": role.sign, "size": 11, "line": {"width": 2, "color": role.colour}},
            hovertext=[_hover(one) for one in shown], hoverinfo="text", cliponaxis=False,
        )  # fmt: skip
    if left_out := len(every) - len(shown):
        drawn.add_scatter(
            x=[None], y=[None], mode="markers", name=f"{left_out:,} more are not drawn", marker={"color": look.FAINT}
        )
    drawn.update_xaxes(range=[-0.015 * reach, reach], nticks=5, tickangle=0)
    names = [("★ " if one.relevant else "") + _name(one) for one in shown]
    drawn.update_yaxes(tickvals=rows, ticktext=names, showgrid=False, range=[0.3, len(shown) + 0.7])
    return look.legend_on_top(drawn.update_layout(margin={"r": 120}))


def _passages(query: QuerySoftmaxes | pd.DataFrame) -> list[PassageShares]:
    if isinstance(query, QuerySoftmaxes):
        return list(query.passages)
    return frames.rows(PassageShares, query)


def _arrow(drawn: go.Figure, one: PassageShares, row: int, reach: float) -> None:
    """Draw where the student's probability went: in the colour of better if that is toward the teacher's."""
    if one.before is None or abs(one.student - one.before) < LEAST_MOVE * reach:
        return
    closer = abs(one.teacher - one.student) < abs(one.teacher - one.before)
    drawn.add_annotation(
        x=one.student, y=row, ax=one.before, ay=row, xref="x", yref="y", axref="x", ayref="y", text="",
        showarrow=True, arrowhead=2, arrowwidth=2, standoff=6, startstandoff=6,
        arrowcolor=look.BETTER if closer else look.WORSE,
        hovertext="toward the teacher" if closer else "away from the teacher",
    )  # fmt: skip


def _pull(one: PassageShares) -> str:
    return f"{SIGNS[one.direction]} {one.pull:+.3f}" if one.direction in SIGNS else one.direction


def _name(one: PassageShares) -> str:
    return look.safe(one.title or one.text or one.passage_id, TITLE_LENGTH)


def _hover(one: PassageShares) -> str:
    before = "" if one.before is None else f", before {one.before:.3f}"
    return (
        f"<b>{look.safe(one.title, 60)}</b><br>{look.safe(one.text or ('' if one.title else NO_TEXT), 90)}<br>"
        f"passage {look.safe(one.passage_id, 60)}, rank {one.rank:,}<br>"
        f"probability: teacher {one.teacher:.3f}, student {one.student:.3f}{before}<br>"
        f"utility {one.utility:+.3f}, similarity {one.similarity:.3f}"
    )
