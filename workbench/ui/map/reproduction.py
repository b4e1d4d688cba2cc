"""How to come to a map again."""

from __future__ import annotations

from workbench.store import Store
from workbench.store.views import Colour
from workbench.store.views.projected.points import MOST_DRAWN
from workbench.ui.map import areas, colours
from workbench.ui.map.projections import Chosen
from workbench.ui.shell import commands


def reproduce(store: Store, chosen: Chosen, colour: Colour, query_id: str) -> None:
    """Show the shell line, the notebook cell and the link of a map."""
    shown = colours.of_student(store, colour, chosen.student)
    most = MOST_DRAWN // len(chosen.students)
    cell = [f"projection = wb.project(store, {chosen.student!r}, {chosen.before!r}, {chosen.method!r})"]
    cell.append(f"points = wb.views.drawn_points(store, projection.file, wb.views.{shown!r}, {most})")
    if corners := areas.drawn_area(chosen.student):
        cell.append(f"inside = wb.views.texts_inside(store, projection.file, {corners!r})")
    around = ""
    if query_id:
        cell.append(f"around = wb.views.query_points(store, projection.file, {query_id!r}, {colour.teacher!r})")
        around = ", around"
    unit = colours.unit_of(store, colour)
    cell.append(f"wb.plots.projection(points, {colour.by!r}, {unit!r}{around})")
    commands.reproduce(
        store, "map", [chosen.command], "\n".join(cell), student=chosen.student, before=chosen.before or "none",
        method=chosen.method, query=query_id,
    )  # fmt: skip
