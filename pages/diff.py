"""Before against after, query by query: which were won, which were lost, and what happened in each."""

from __future__ import annotations

from workbench import plots
from workbench.store import Store
from workbench.ui import cached, choices, frame, one_query, parts, tables


def page(store: Store) -> None:
    """Compare two students on one split and one measure, and open single queries."""
    if not (chosen := choices.comparison(store)):
        return
    found = cached.diff(store, chosen.before.student, chosen.after.student, chosen.measure, chosen.split)
    parts.lead(found.in_words)
    for name in found.stale:
        parts.stale(f"{name} was evaluated when the collection held other passages; evaluate it again.")
    if found.unanswered:
        parts.stale(f"{found.unanswered:,} judged queries have no ranking in one of the runs; they count as 0.")
    parts.tally(won=found.wins, tied=found.ties, lost=found.losses)
    tables.comparison(found.comparison)
    left, right = parts.columns("two", [1, 1.25])
    with left:
        parts.heading("Every measure")
        drawn = plots.measures(found.comparisons, found.before, found.after)
        parts.picture(drawn, "measures", "Means with intervals, before and after")
        parts.remark("At the right the difference; a star says that its 95 % interval leaves out 0.")
    with right:
        parts.heading("Every query")
        parts.picture(plots.waterfall(found), "waterfall", "Change per query, largest gain to largest loss")
    parts.heading("Query by query")
    shown = tables.filtered(found)
    version = f"{chosen.before.run}-{chosen.after.run}-{chosen.measure}-{store.revision()}"
    if query_id := tables.deltas(shown, version):
        choices.steps([delta.query_id for delta in shown], query_id, "query")
        one_query.compared(store, chosen, query_id, choices.teacher(store))
    parts.reproduce(
        store,
        "diff",
        ["diff", found.before, found.after, "--measure", found.measure, "--split", found.split],
        f"wb.diff(store, {found.before!r}, {found.after!r}, {found.measure!r}, {found.split!r})",
        split=found.split,
        before=found.before,
        after=found.after,
        measure=found.measure,
        query=query_id or "",
    )


frame.show(page, "Diff")
