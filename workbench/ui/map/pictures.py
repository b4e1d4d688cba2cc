"""The pictures of a map, side by side where there is a student before, and what they keep of the vectors."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import plots
from workbench.plots.look import AFTER, BEFORE
from workbench.plots.projection import extent
from workbench.results import counted
from workbench.steps.compare.projection.project import Projection
from workbench.store import Store
from workbench.store.views import Colour, Points, QueryPoint
from workbench.store.views.projected.points import MOST_DRAWN
from workbench.ui.map import areas, colours
from workbench.ui.shell import cache, components


def numbers(projections: Sequence[Projection]) -> None:
    """Show what was placed, and how much of the vectors two dimensions keep."""
    first = projections[0]
    shown = [
        components.Number("Queries", f"{first.queries:,}", "with a text"),
        components.Number("Passages", f"{first.passages:,}", "with a text"),
    ]
    if first.explained:
        note = f"of the vectors of {first.student}"
        shown.append(components.Number("Variance on the axes", f"{sum(first.explained):.0%}", note))
    for projection, role in zip(projections, (BEFORE, AFTER)[-len(projections) :], strict=True):
        value = "–" if projection.neighbours is None else f"{10 * projection.neighbours:.1f} of 10"
        note = f"{role.word}, over {counted(projection.sample, 'text')}"
        shown.append(components.Number("Nearest neighbours kept", value, note, role))
    components.numbers(*shown)


def side_by_side(
    store: Store, projections: Sequence[Projection], colour: Colour, around: Sequence[Sequence[QueryPoint]]
) -> None:
    """Show a picture of each projection, with the same ends of the axes where they can be compared."""
    most = MOST_DRAWN // len(projections)
    drawn = [_points(store, one, colour, most) for one in projections]
    comparable = all(one.is_comparable for one in projections)
    shared = extent(*drawn) if comparable else None
    widths = [1] * len(projections)
    for column, projection, points, lines in zip(
        components.columns("two-maps", widths), projections, drawn, around, strict=True
    ):
        with column:
            components.heading("Before" if len(projections) > 1 and projection is projections[0] else "Student")
            components.remark(projection.student)
            figure = plots.projection(
                points, colour.by, colours.unit_of(store, colour), lines, shared or extent(points)
            )
            areas.outlined(figure, areas.drawn_area(projection.student))
            alt = f"Queries and passages in two dimensions by {projection.student}"
            areas.picture(figure, f"map-{projection.student}", alt, projection.student)
            components.remark(f"{projection.placement_in_words} {projection.quality_in_words}")
    components.remark(
        "Draw a box or a free shape (the buttons above the picture) to list the texts in it; a click opens a text."
    )


def _points(store: Store, projection: Projection, colour: Colour, most: int) -> Points:
    ask = cache.annotated_points if colour.by == "annotation" else cache.drawn_points
    return ask(store, projection.file, colours.of_student(store, colour, projection.student), most)
