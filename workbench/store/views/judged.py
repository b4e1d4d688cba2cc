"""Which queries count in means, and from which relevance a passage is relevant: for the views that count them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.store.workspace_settings import settings_of

if TYPE_CHECKING:
    from workbench.store.store import Store

# The queries that have a qrel, or of these the ones with a relevant passage where others are left out.
JUDGED = "(select query_id from qrels group by query_id having not $left_out or max(relevance) >= $relevance)"
# The queries that have a qrel, and no relevant passage.
WITHOUT_RELEVANT = "(select query_id from qrels group by query_id having max(relevance) < $relevance)"


def relevance_level(store: Store) -> dict[str, object]:
    """Return the value of $relevance, from which a passage is relevant."""
    return {"relevance": settings_of(store).relevance}


def judging(store: Store) -> dict[str, object]:
    """Return the values of $relevance and $left_out, by which queries count."""
    settings = settings_of(store)
    return {"relevance": settings.relevance, "left_out": settings.without_relevant == "left out"}
