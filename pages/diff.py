"""Before against after, query by query: which were won, which were lost, and what happened in each."""

from __future__ import annotations

from workbench.store import Store
from workbench.ui.diff import comparison, sharing, teacher_agreement
from workbench.ui.shell import components, frame, one_query, pickers


def page(store: Store) -> None:
    """Compare two students on one split, by a measure or without judgements, and open single queries."""
    if not (chosen := pickers.comparison(store)):
        return
    found = comparison.judged(store, chosen)
    if found:
        components.lead(found.in_words)
        for name in found.stale:
            components.stale(f"{name} was evaluated when the collection held other passages; evaluate it again.")
        if found.unanswered:
            components.stale(
                f"{found.unanswered:,} judged queries have no ranking in one of the runs; they count as 0."
            )
        comparison.overview(store, found)
    teacher = pickers.teacher(store)
    if teacher:
        teacher_agreement.show(store, chosen.before.student, chosen.after.student, teacher, chosen.split)
    components.heading("Query by query")
    shown, filters, by = comparison.listed(store, chosen, found)
    version = f"{chosen.before.run}-{chosen.after.run}-{chosen.measure}-{store.revision()}"
    if query_id := comparison.chosen_query(shown, by, version):
        pickers.steps([row.query_id for row in shown], query_id, "query")
        one_query.compared(store, chosen, query_id, teacher)
    sharing.toward(store, chosen, teacher)
    sharing.report(store, chosen, found, filters, by)
    sharing.again(store, chosen, filters, by, query_id or "")


frame.show(page, "Diff")
