"""The figure of a training: loss and dev measure by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.plots import look


def history(lines: Sequence[Mapping[str, Any]], measure: str = "dev measure") -> go.Figure:
    """Draw the lines of a `history.jsonl`: dev measure above, loss below; the untrained base is step 0."""
    drawn = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.09, row_heights=[0.55, 0.45])
    drawn.update_layout(template=look.TEMPLATE, height=380, showlegend=False)
    judged = _series(lines, "dev")
    if judged:
        best = max(judged, key=lambda point: point[1])
        drawn.add_scatter(
            x=[step for step, _ in judged], y=[value for _, value in judged], mode="lines+markers",
            line={"color": look.AFTER.colour, "width": 2}, marker={"size": 7},
            hovertext=[f"step {step:,}<br>{measure} {value:.3f}" for step, value in judged], hoverinfo="text",
            row=1, col=1,
        )  # fmt: skip
        drawn.add_hline(y=judged[0][1], line={"color": look.BEFORE.colour, "dash": "dot"}, row=1, col=1)
        drawn.add_annotation(
            x=best[0], y=best[1], text=f"best {best[1]:.3f}, step {best[0]:,}", yshift=14, showarrow=False, row=1, col=1
        )
        drawn.add_annotation(
            x=1, xref="x domain", xanchor="right", y=judged[0][1], yshift=-10, text=f"before {judged[0][1]:.3f}",
            showarrow=False, row=1, col=1,
        )  # fmt: skip
    losses = _series(lines, "loss")
    drawn.add_scatter(
        x=[step for step, _ in losses], y=[value for _, value in losses], mode="lines",
        line={"color": look.TEACHER.colour, "width": 1.6},
        hovertext=[f"step {step:,}<br>loss {value:.4f} nats" for step, value in losses], hoverinfo="text",
        row=2, col=1,
    )  # fmt: skip
    drawn.update_yaxes(title_text=look.safe(measure), row=1)
    drawn.update_yaxes(title_text="loss", row=2)
    return drawn.update_xaxes(title_text="training step", row=2)


def _series(lines: Sequence[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    return [(int(line["step"]), float(line[key])) for line in lines if line.get(key) is not None]
