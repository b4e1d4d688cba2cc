"""The figure of a training: loss and dev measure by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.plots import frames, look

if TYPE_CHECKING:
    import pandas as pd

FEW = 20  # losses: one alone is no line
LEAST_SPREAD = 0.1  # of the axis of dev, lest the first values fill it


def history(lines: Sequence[Mapping[str, Any]] | pd.DataFrame, measure: str = "dev measure") -> go.Figure:
    """Draw the lines of a `history.jsonl`: dev measure above, loss below; the untrained base is step 0.

    A frame has the columns step, dev and loss.
    """
    drawn = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.09, row_heights=[0.55, 0.45])
    drawn.update_layout(template=look.TEMPLATE, height=380, showlegend=False)
    if evaluated := _series(lines, "dev"):
        _dev(drawn, evaluated, measure)
    losses = _series(lines, "loss")
    drawn.add_scatter(
        x=[step for step, _ in losses], y=[value for _, value in losses],
        mode="lines+markers" if len(losses) < FEW else "lines", marker={"size": 5},
        line={"color": look.TEACHER.colour, "width": 1.6},
        hovertext=[f"step {step:,}<br>loss {value:.4f}" for step, value in losses], hoverinfo="text",
        row=2, col=1,
    )  # fmt: skip
    drawn.update_yaxes(title_text=look.safe(measure), row=1)
    drawn.update_yaxes(title_text="loss", row=2)
    return drawn.update_xaxes(title_text="training step", row=2)


def _dev(drawn: go.Figure, evaluated: Sequence[tuple[int, float]], measure: str) -> None:
    """Draw the dev measure with the best step, if one beats the base, and the base."""
    best = max(evaluated, key=lambda point: point[1])
    drawn.add_scatter(
        x=[step for step, _ in evaluated], y=[value for _, value in evaluated], mode="lines+markers",
        line={"color": look.AFTER.colour, "width": 2}, marker={"size": 7},
        hovertext=[f"step {step:,}<br>{measure} {value:.3f}" for step, value in evaluated], hoverinfo="text",
        row=1, col=1,
    )  # fmt: skip
    drawn.add_hline(y=evaluated[0][1], line={"color": look.BEFORE.colour, "dash": "dot"}, row=1, col=1)
    if best[0]:
        late = best[0] > evaluated[-1][0] / 2  # so that the words stay inside the plot
        drawn.add_annotation(
            x=best[0], y=best[1], text=f"best {best[1]:.3f}, step {best[0]:,}", yshift=14, showarrow=False,
            xanchor="right" if late else "left", row=1, col=1,
        )  # fmt: skip
    drawn.add_annotation(
        x=1, xref="x domain", xanchor="right", y=evaluated[0][1], yshift=-10, text=f"before {evaluated[0][1]:.3f}",
        showarrow=False, row=1, col=1,
    )  # fmt: skip
    if (spread := best[1] - min(value for _, value in evaluated)) < LEAST_SPREAD:
        margin = (LEAST_SPREAD - spread) / 2
        drawn.update_yaxes(range=[best[1] - spread - margin, best[1] + margin], row=1)


def _series(history: Sequence[Mapping[str, Any]] | pd.DataFrame, key: str) -> list[tuple[int, float]]:
    lines: Any = history.to_dict("records") if frames.is_frame(history) else history  # type: ignore[union-attr]
    return [(int(line["step"]), float(line[key])) for line in lines if not frames.missing(line.get(key))]
