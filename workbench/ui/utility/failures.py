"""What a teacher could not score, as a small table of reasons."""

from __future__ import annotations

from workbench.store import Store
from workbench.ui.shell import cache, components
from workbench.ui.shell.tables import counts


def by_reason(store: Store, teacher: str) -> None:
    """Show why a teacher could not score pairs, each reason with its number of pairs and the first of them."""
    reasons = cache.failure_reasons(store, teacher)
    if not reasons:
        return
    failed = sum(row.pairs for row in reasons)
    components.stale(f"{teacher} could not score {components.counted(failed, 'pair')}; they are missing here, not 0.")
    rows = [
        {"reason": row.reason, "pairs": row.pairs, "first query": row.query_id, "first passage": row.passage_id}
        for row in reasons
    ]
    components.table(rows, f"failures-{teacher}", "Why pairs could not be scored", **counts("pairs"))


def of_teachers_without_utilities(store: Store) -> None:
    """Show why those teachers failed that have scored nothing at all."""
    for row in cache.teachers(store):
        if not row.pairs:
            by_reason(store, row.teacher)
