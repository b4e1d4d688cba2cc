"""Before against after, query by query: which were won, which were lost, and what happened in each."""

from __future__ import annotations

from workbench.store import Store
from workbench.ui import agreeing, choices, comparing, frame, one_query, parts, sharing


def page(store: Store) -> None:
    """Compare two students on one split, by a measure or without judgements, and open single queries."""
    if not (chosen := choices.comparison(store)):
        return
    found = comparing.judged(store, chosen)
    if found:
        parts.lead(found.in_words)
        for name in found.stale:
            parts.stale(f"{name} was evaluated when the collection held other passages; evaluate it again.")
        if found.unanswered:
            parts.stale(f"{found.unanswered:,} judged queries have no ranking in one of the runs; they count as 0.")
        comparing.overview(store, found)
    teacher = choices.teacher(store)
    if teacher:
        agreeing.show(store, chosen.before.student, chosen.after.student, teacher, chosen.split)
    parts.heading("Query by query")
    shown, filters, by = comparing.listed(store, chosen, found)
    version = f"{chosen.before.run}-{chosen.after.run}-{chosen.measure}-{store.revision()}"
    if query_id := comparing.chosen_query(shown, by, version):
        choices.steps([row.query_id for row in shown], query_id, "query")
        one_query.compared(store, chosen, query_id, teacher)
    sharing.toward(store, chosen, teacher)
    sharing.report(store, chosen, found, filters, by)
    sharing.again(store, chosen, filters, by, query_id or "")


frame.show(page, "Diff")
