"""Teacher against student: where usefulness and similarity disagree, over all pairs and for one query."""

from __future__ import annotations

from workbench.store import Store
from workbench.store.views.scored.teacher_names import commands_to_fill
from workbench.ui.shell import cache, commands, components, frame, pickers
from workbench.ui.utility import agreement, failures, health, pairs, queries, reproduction


def page(store: Store) -> None:
    """Show how a teacher's utilities and a student's similarities are distributed, and where they disagree."""
    if not (pair := pickers.pair(store)):
        failures.of_teachers_without_utilities(store)
        return
    teacher, run = pair
    failures.by_reason(store, teacher)
    first = cache.first_places(store, teacher, run)
    if not first.queries:
        components.empty(
            f"{teacher} has scored none of the queries of the {run.split} split.",
            *(commands.line(store, *one) for one in commands_to_fill(teacher, run.split)),
        )
        return
    components.lead(
        f"Every point here is a candidate pair of the {run.split} split: how useful {teacher} finds the passage for "
        f"the query, against how similar {run.student} finds the two. Where they disagree, there is something to learn."
    )
    pairs.first_places(first, cache.teacher_unit(store, teacher))
    figure = pairs.distributions(store, pair)
    health.panel(store, pair)
    before = agreement.panel(store, pair)
    components.heading("Query by query")
    query_id, words = queries.listed(store, pair)
    if query_id:
        queries.opened(store, pair, query_id, before)
    reproduction.reproduce(store, pair, figure, words, (query_id, before))


frame.show(page, "Utility")
