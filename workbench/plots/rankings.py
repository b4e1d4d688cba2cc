"""Figures of one query: its passages in two rankings, and how useful they are against how similar."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.plots import look
from workbench.store.views import Moved, Placed

TITLE_LENGTH = 34


def bump(moved: Sequence[Moved], depth: int = 10) -> go.Figure:
    """Draw one query's passages before and after training, a line joining each passage with itself.

    Passages that stand below `depth` in one ranking are drawn in a strip under it, with their true rank.
    """
    drawn = look.figure(120 + 26 * (depth + 2), "", "rank")
    for passage in sorted(moved, key=lambda found: (found.relevance or 0) > 0):
        relevant = (passage.relevance or 0) > 0
        role = look.RELEVANT if relevant else look.usefulness(passage.utility)
        colour = role.colour if role else look.FAINT
        drawn.add_scatter(
            x=[0, 1],
            y=[_height(passage.before, depth), _height(passage.after, depth)],
            mode="lines+markers+text",
            line={"color": colour, "width": 3.5 if relevant else 1.8, "shape": "spline", "smoothing": 0.6},
            marker={"size": 11 if relevant else 8, "symbol": role.sign if role else "circle-open"},
            text=[_written(passage.before, depth), _written(passage.after, depth)],
            textposition=["middle left", "middle right"],
            cliponaxis=False,
            hovertext=_moved(passage),
            hoverinfo="text",
            showlegend=False,
        )
    for role in _roles(moved):
        drawn.add_scatter(
            x=[None], y=[None], mode="markers", name=role.word, marker={"color": role.colour, "symbol": role.sign}
        )
    drawn.add_hrect(y0=depth + 0.6, y1=depth + 2.4, fillcolor=look.FAINT, opacity=0.4, line_width=0)
    drawn.update_xaxes(tickvals=[0, 1], ticktext=["before", "after"], range=[-0.18, 1.18], side="top", showgrid=False)
    ticks = [1, *range(5, depth + 1, 5), depth + 1.5]
    words = [*(str(tick) for tick in ticks[:-1]), f"below {depth}"]
    drawn.update_yaxes(range=[depth + 2.6, 0.4], tickvals=ticks, ticktext=words, showgrid=False, zeroline=False)
    return drawn.update_layout(
        legend={"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top"}, showlegend=True, margin={"t": 40}
    )


def opened(placed: Sequence[Placed]) -> go.Figure:
    """Draw one query's passages, most useful first: utility as a bar, the student's similarity as a dot beside it."""
    scored = [passage for passage in placed if passage.utility is not None]
    drawn = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04, column_widths=[0.6, 0.4])
    drawn.update_layout(template=look.TEMPLATE, height=90 + 26 * max(len(scored), 2))
    rows = list(range(len(scored), 0, -1))
    names = [_named(passage.title, passage.text) for passage in scored]
    hover = [_placed(passage) for passage in scored]
    for role in (look.USEFUL, look.USELESS, look.HARMFUL):
        mine = [place for place, passage in enumerate(scored) if look.usefulness(passage.utility) is role]
        drawn.add_bar(
            x=[scored[place].utility for place in mine], y=[rows[place] for place in mine], orientation="h",
            name=role.word, marker={"color": role.colour}, width=0.62,
            hovertext=[hover[place] for place in mine], hoverinfo="text", showlegend=bool(mine), row=1, col=1,
        )  # fmt: skip
    ranked = [place for place, passage in enumerate(scored) if passage.similarity is not None]
    drawn.add_scatter(
        x=[scored[place].similarity for place in ranked], y=[rows[place] for place in ranked], mode="markers+text",
        text=[f"{scored[place].rank:,}" for place in ranked], textposition="middle right", name="similarity and rank",
        marker={"color": look.AFTER.colour, "size": 9}, hovertext=[hover[place] for place in ranked],
        hoverinfo="text", cliponaxis=False, row=1, col=2,
    )  # fmt: skip
    stars = [f"★ {name}" if (found.relevance or 0) > 0 else name for found, name in zip(scored, names, strict=True)]
    drawn.update_yaxes(tickvals=rows, ticktext=stars, showgrid=False, col=1)
    drawn.update_xaxes(title_text="utility, nats per token", col=1)
    drawn.update_xaxes(title_text="similarity, cosine", col=2)
    return look.legend_on_top(drawn)


def _height(rank: int | None, depth: int) -> float:
    """Return where a rank is drawn: below `depth` in a strip two ranks high, deeper ranks lower."""
    if rank is None:
        return depth + 2.2
    return float(rank) if rank <= depth else depth + 1 + min(1.0, (rank - depth) / 100)


def _written(rank: int | None, depth: int) -> str:
    return "not ranked" if rank is None else "" if rank <= depth else f"{rank:,}"


def _roles(moved: Sequence[Moved]) -> list[look.Role]:
    found = {look.RELEVANT if (passage.relevance or 0) > 0 else look.usefulness(passage.utility) for passage in moved}
    return [role for role in look.ROLES.values() if role in found]


def _named(title: str, text: str) -> str:
    return look.safe(title or text, TITLE_LENGTH)


def _moved(passage: Moved) -> str:
    ranks = " to ".join("no rank" if rank is None else f"rank {rank:,}" for rank in (passage.before, passage.after))
    return f"{_first_words(passage.title, passage.text, passage.passage_id)}<br>{ranks}: {passage.movement}" + _judged(
        passage.relevance, passage.utility
    )


def _placed(passage: Placed) -> str:
    where = "" if passage.rank is None else f"<br>rank {passage.rank:,}, similarity {passage.similarity:.3f}"
    return _first_words(passage.title, passage.text, passage.passage_id) + where + _judged(
        passage.relevance, passage.utility
    )


def _first_words(title: str, text: str, passage_id: str) -> str:
    return f"<b>{look.safe(title, 60)}</b><br>{look.safe(text, 90)}<br>passage {look.safe(passage_id, 60)}"


def _judged(relevance: int | None, utility: float | None) -> str:
    judged = "not judged" if relevance is None else f"relevance {relevance}"
    return f"<br>{judged}, {'not scored' if utility is None else f'utility {utility:+.3f}'}"
