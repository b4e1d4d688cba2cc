"""Before against after, query by query: which were won, which were lost, and what happened in each."""

from __future__ import annotations

from workbench.store import Store
from workbench.ui.diff import comparison, one_query, query_list, sharing
from workbench.ui.shell import components, frame, navigation, pickers


def page(store: Store) -> None:
    """Compare two students on one split, by a measure or without judgements, and open single queries."""
    if not (chosen := pickers.comparison(store)):
        return
    diff = comparison.judged(store, chosen)
    students = comparison.compared_students(store, chosen) if diff else chosen.students
    if diff:
        comparison.overview(store, diff, students)
    teacher = pickers.teacher(store)
    if teacher:
        navigation.link(
            "utility", "Their agreement with the teacher", teacher=teacher, split=chosen.split,
            student=chosen.after.student, before=chosen.before.student, agreement="true",
        )  # fmt: skip
    components.heading("Query by query")
    queries = query_list.narrowed(store, chosen, diff)
    version = f"{chosen.before.run}-{chosen.after.run}-{chosen.measure}-{store.revision()}"
    if query_id := query_list.select_query(queries, version):
        one_query.opened(store, chosen, query_id, teacher)
    sharing.displacement(store, chosen, teacher)
    sharing.report(store, diff, queries, teacher)
    sharing.reproduce(store, chosen, diff, students, queries)


frame.show(page, "Diff")
