"""Hits as the rankings that a run is written from."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable


def by_query(hits: Iterable[tuple[str, str, float]]) -> ItemsView[str, list[tuple[str, float]]]:
    """Return each query of (query id, passage id, similarity) with its hits, in the order in which they come."""
    rankings: dict[str, list[tuple[str, float]]] = {}
    for query_id, passage_id, similarity in hits:
        rankings.setdefault(query_id, []).append((passage_id, similarity))
    return rankings.items()
