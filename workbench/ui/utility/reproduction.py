"""How to come to a view of the page Utility again."""

from __future__ import annotations

from workbench.commands import command
from workbench.store import Store
from workbench.ui.shell import commands
from workbench.ui.shell.pickers import Pair

CELLS = {
    "density": "wb.plots.density(wb.views.density(store, teacher, run), unit)",
    "scatter": "wb.plots.scatter(wb.views.sample_pairs(store, teacher, run), unit)",
}


def reproduce(store: Store, pair: Pair, figure: str, words: str, query_id: str) -> None:
    """Show the shell line, the notebook cell and the link of the pairs and the figure on the page."""
    student, split = pair.run.student, pair.run.split
    cell = [
        f"teacher, run = {pair.teacher!r}, wb.views.find_run(store, {student!r}, {split!r})",
        "first = wb.views.first_places(store, teacher, run)",
        "queries = wb.views.disagreements(store, teacher, run)",
    ]
    if words:
        cell.append(f"queries = [row for row in queries if {words!r} in f'{{row.text}} {{row.query_id}}'.casefold()]")
    cell += ["unit = wb.views.teacher_unit(store, teacher)", CELLS[figure]]
    commands.reproduce(
        store,
        "utility",
        [command("agreement", student, teacher=pair.teacher, split=split)],
        "\n".join(cell),
        teacher=pair.teacher,
        split=split,
        student=student,
        query=query_id,
    )
