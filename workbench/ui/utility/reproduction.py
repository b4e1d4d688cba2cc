"""How to come to a view of the page Utility again."""

from __future__ import annotations

import streamlit as st

from workbench.commands import command
from workbench.store import Store
from workbench.store.views import Region
from workbench.ui.shell import commands
from workbench.ui.shell.pickers import Pair
from workbench.ui.utility.queries import QUADRANTS, REGION

CELLS = {
    "density": "wb.plots.density(wb.views.density(store, teacher, run), unit)",
    "scatter": "wb.plots.scatter(wb.views.sample_pairs(store, teacher, run), unit)",
}


def reproduce(store: Store, pair: Pair, figure: str, words: str, opened: tuple[str, str]) -> None:
    """Show the shell line, the notebook cell and the link of the pairs and the figure on the page.

    `opened` is the query that is open and the student before, or "" each.
    """
    student, split = pair.run.student, pair.run.split
    query_id, before = opened
    cell = [
        f"teacher, run = {pair.teacher!r}, wb.views.find_run(store, {student!r}, {split!r})",
        "first = wb.views.first_places(store, teacher, run)",
        "queries = wb.views.disagreements(store, teacher, run)",
    ]
    if (quadrant := st.query_params.get("quadrant", "all")) in QUADRANTS and quadrant != "all":
        _, useful, near = QUADRANTS[quadrant]
        cell.append(f"inside = wb.views.quadrant_pairs(store, teacher, run, useful={useful}, near={near})")
        cell.append("queries = [row for row in queries if row.query_id in inside]")
    if region := Region.parse(st.query_params.get(REGION, "")):
        cell.append(f"inside = wb.views.region_pairs(store, teacher, run, wb.views.{region!r})")
        cell.append("queries = [row for row in queries if row.query_id in inside]")
    if words:
        cell.append(f"queries = [row for row in queries if {words!r} in f'{{row.text}} {{row.query_id}}'.casefold()]")
    if query_id:
        cell.append(f"softmaxes = wb.query_softmaxes(store, {query_id!r}, {student!r}, teacher, {before!r})")
    cell += ["unit = wb.views.teacher_unit(store, teacher)", CELLS[figure]]
    commands.reproduce(
        store,
        "utility",
        [command("agreement", student, teacher=pair.teacher, split=split, before=before)],
        "\n".join(cell),
        teacher=pair.teacher,
        split=split,
        student=student,
        query=query_id,
    )
