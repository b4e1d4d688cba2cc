"""One query: what BM25, students and a teacher find for it, side by side and timed."""

from __future__ import annotations

from workbench.results import counted
from workbench.store import Store
from workbench.ui.search import choices, keep, rankings, reproduction, searchers
from workbench.ui.shell import cache, components, frame, next_step

DEPTH = 10


def page(store: Store) -> None:
    """Search for a typed query, or one of the collection's, and keep it to be annotated."""
    if not (passages := cache.counts(store).passages):
        components.empty("There are no passages to search.")
        next_step.offer(store)
        return
    components.lead(
        f"Ask the {counted(passages, 'passage')} of this workspace: what each student finds, side by side, "
        "and in how many milliseconds."
    )
    query = choices.query(store)
    students = choices.students(store)
    teacher = choices.teacher()
    if not query or not students:
        return
    indexes, lacking = searchers.ready(store, students)
    if lacking:
        searchers.offer_indexes(store, query, lacking)
    if not indexes:
        return
    if teacher and not searchers.is_loaded(store, teacher):
        teacher = None
    result = searchers.searched(store, query, indexes, teacher, DEPTH)
    rankings.show(store, result)
    keep.offer(store, result, indexes)
    reproduction.reproduce(store, query, [index.student for index in indexes], teacher, DEPTH)


frame.show(page, "Search")
