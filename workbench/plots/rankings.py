"""Figures of one query: its passages in two rankings, and how useful they are against how similar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.plots import frames, look
from workbench.records import NO_TEXT, Unit
from workbench.store.views import Moved, Placed

if TYPE_CHECKING:
    import pandas as pd

TITLE_LENGTH = 34
MOST_USEFUL, NEAREST = 10, 8  # passages of one query that a figure has room for
SLOT = 0.72  # height of a line below the depth, in ranks: room for a number
UNSCORED = "rgba(128, 138, 155, 0.5)"


def bump(moved: Sequence[Moved] | pd.DataFrame, depth: int = 10, unit: Unit = "unknown") -> go.Figure:
    """Draw one query's passages before and after training, a line joining each passage with itself.

    Passages that stand below `depth` in one ranking are drawn in a strip under it, in order, with their true rank. A
    frame has the columns of `Moved`.
    """
    moved = frames.rows(Moved, moved)
    before = heights([passage.before for passage in moved], depth)
    after = heights([passage.after for passage in moved], depth)
    bottom = max([depth + 1.0, *before, *after]) + 0.6
    drawn = look.figure(round(110 + 25 * bottom), "", "rank")
    order = sorted(range(len(moved)), key=lambda place: moved[place].relevant)
    for place in order:
        _line(drawn, moved[place], (before[place], after[place]), depth, unit)
    for word, colour, sign in _key(moved, unit):
        drawn.add_scatter(x=[None], y=[None], mode="markers", name=word, marker={"color": colour, "symbol": sign})
    drawn.add_hrect(y0=depth + 0.55, y1=bottom, fillcolor=look.FAINT, opacity=0.4, line_width=0)
    drawn.update_xaxes(tickvals=[0, 1], ticktext=["before", "after"], range=[-0.18, 1.18], side="top", showgrid=False)
    ticks = [1.0, *(float(tick) for tick in range(5, depth + 1, 5)), (depth + 0.55 + bottom) / 2]
    words = [*(f"{tick:.0f}" for tick in ticks[:-1]), f"below {depth}"]
    drawn.update_yaxes(range=[bottom, 0.4], tickvals=ticks, ticktext=words, showgrid=False, zeroline=False)
    legend = {"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top"}
    return drawn.update_layout(legend=legend, showlegend=True, margin={"t": 40})


def _line(drawn: go.Figure, passage: Moved, heights: tuple[float, float], depth: int, unit: Unit) -> None:
    relevant = passage.relevant
    _, colour, sign = looks(passage, unit)
    drawn.add_scatter(
        x=[0, 1],
        y=list(heights),
        mode="lines+markers+text",
        line={"color": colour, "width": 3.5 if relevant else 1.8},
        marker={"size": 12 if relevant else 8, "symbol": sign},
        text=[rank_label(passage.before, depth), rank_label(passage.after, depth)],
        textposition=["middle left", "middle right"],
        cliponaxis=False,
        hovertext=_moved(passage),
        hoverinfo="text",
        showlegend=False,
    )


def opened(placed: Sequence[Placed] | pd.DataFrame, unit: Unit = "unknown") -> go.Figure:
    """Draw one query's passages, most useful first: utility in `unit` as a bar, the student's similarity as a dot.

    Of many passages the most useful and the nearest are drawn, and the figure says how many are left out. A frame has
    the columns of `Placed`.
    """
    placed = frames.rows(Placed, placed)
    everything = sorted((passage for passage in placed if passage.utility is not None), key=_by_utility)
    nearest = sorted(everything[MOST_USEFUL:], key=lambda passage: passage.rank or 10**9)[:NEAREST]
    scored = everything[:MOST_USEFUL] + sorted(nearest, key=_by_utility)
    drawn = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04, column_widths=[0.6, 0.4])
    drawn.update_layout(template=look.TEMPLATE, height=90 + 26 * max(len(scored), 2))
    rows = list(range(len(scored), 0, -1))
    names = [_named(passage.title, passage.text, passage.passage_id) for passage in scored]
    hover = [_placed(passage) for passage in scored]
    for role in (look.USEFUL, look.USELESS):
        mine = [place for place, passage in enumerate(scored) if look.usefulness(passage.utility, unit) is role]
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
    stars = [f"★ {name}" if passage.relevant else name for passage, name in zip(scored, names, strict=True)]
    if left_out := len(everything) - len(scored):
        rest = f"{left_out:,} more are not drawn"
        drawn.add_scatter(x=[None], y=[None], mode="markers", name=rest, marker={"color": look.FAINT})
    drawn.update_yaxes(tickvals=rows, ticktext=stars, showgrid=False, col=1)
    # In two lines: side by side on a narrow screen, long titles run into each other.
    drawn.update_xaxes(title_text=look.utility_axis(unit).replace(", ", ",<br>"), nticks=5, tickangle=0, col=1)
    drawn.update_xaxes(title_text="similarity,<br>cosine", nticks=3, tickangle=0, col=2)
    drawn.update_layout(margin={"r": 40})  # for the ranks beside the dots
    return look.legend_on_top(drawn)


def _by_utility(passage: Placed) -> tuple[float, str]:
    return -(passage.utility or 0.0), passage.passage_id


def heights(ranks: Sequence[int | None], depth: int) -> list[float]:
    """Return where ranks are drawn: their own height down to `depth`, and below it one slot each, in order."""
    deep = sorted(
        (place for place, rank in enumerate(ranks) if rank is None or rank > depth),
        key=lambda place: ranks[place] or 10**9,
    )
    slots = {place: depth + 1 + SLOT * turn for turn, place in enumerate(deep)}
    return [slots.get(place, float(rank or 0)) for place, rank in enumerate(ranks)]


def rank_label(rank: int | None, depth: int) -> str:
    """Return what stands beside an end of a line: nothing down to `depth`, below it the true rank."""
    return "not ranked" if rank is None else "" if rank <= depth else f"{rank:,}"


def looks(passage: Moved, unit: Unit = "unknown") -> tuple[str, str, str]:
    """Return the word, the colour and the sign of a passage's line."""
    role = look.RELEVANT if passage.relevant else look.usefulness(passage.utility, unit)
    return (role.word, role.colour, role.sign) if role else ("not scored", UNSCORED, "circle-open")


def _key(moved: Sequence[Moved], unit: Unit) -> list[tuple[str, str, str]]:
    return sorted({looks(passage, unit) for passage in moved})


def _named(title: str, text: str, passage_id: str) -> str:
    return look.safe(title or text or passage_id, TITLE_LENGTH)


def _moved(passage: Moved) -> str:
    ranks = " to ".join("no rank" if rank is None else f"rank {rank:,}" for rank in (passage.before, passage.after))
    return f"{_first_words(passage.title, passage.text, passage.passage_id)}<br>{ranks}: {passage.movement}" + _judged(
        passage.relevance, passage.utility
    )


def _placed(passage: Placed) -> str:
    where = "" if passage.rank is None else f"<br>rank {passage.rank:,}, similarity {passage.similarity:.3f}"
    return (
        _first_words(passage.title, passage.text, passage.passage_id)
        + where
        + _judged(passage.relevance, passage.utility)
    )


def _first_words(title: str, text: str, passage_id: str) -> str:
    shown = text or ("" if title else NO_TEXT)
    return f"<b>{look.safe(title, 60)}</b><br>{look.safe(shown, 90)}<br>passage {look.safe(passage_id, 60)}"


def _judged(relevance: int | None, utility: float | None) -> str:
    judged = "not judged" if relevance is None else f"relevance {relevance}"
    return f"<br>{judged}, {'not scored' if utility is None else f'utility {utility:+.3f}'}"
