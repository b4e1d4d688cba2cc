"""A retriever's hits for the queries of a split: the passages that its rankings reach, and the candidates below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from workbench.records import Hit, Listener, Query
from workbench.retrieval.ranking import Floats, Nearest, PassageIds, Retriever, Rows
from workbench.store import Store, views

QUERIES_AT_ONCE = 2_000  # whose candidates are in memory


class RankedRows(NamedTuple):
    """Passages of one query, by their rows in the collection, with their ranks, counting from 1, and similarities."""

    query_id: str
    rows: Rows
    ranks: Rows
    similarities: Floats


def nearest_rows(queries: Sequence[Query], nearest: Nearest) -> Iterator[RankedRows]:
    """Yield the nearest passages of each query, without the places that stay empty."""
    for query, rows, similarities in zip(queries, nearest.rows, nearest.similarities, strict=True):
        number = np.count_nonzero(rows >= 0)
        yield RankedRows(query.query_id, rows[:number], np.arange(1, number + 1), similarities[:number])


def candidates_below(
    store: Store, ranker: Retriever, ids: PassageIds, queries: Sequence[Query], nearest: Nearest, listen: Listener
) -> Iterator[RankedRows]:
    """Yield the candidates of the queries of a split that are not among their nearest, with their true ranks below."""
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        part = queries[start : start + QUERIES_AT_ONCE]
        candidates = views.candidates_of(store, part[0].split, [query.query_id for query in part])
        proposed = [candidates.get(query.query_id, []) for query in part]
        ends = np.cumsum([len(passage_ids) for passage_ids in proposed])
        rows = np.split(ids.rows([passage_id for passage_ids in proposed for passage_id in passage_ids]), ends[:-1])
        reached = nearest.rows[start : start + QUERIES_AT_ONCE]
        below = [of_query[~np.isin(of_query, [-1, *near])] for of_query, near in zip(rows, reached, strict=True)]
        lacking = [(query, of_query) for query, of_query in zip(part, below, strict=True) if len(of_query)]
        if lacking:
            texts, given = [query.text for query, _ in lacking], [of_query.tolist() for _, of_query in lacking]
            for (query, of_query), place in zip(lacking, ranker.place(texts, given, listen), strict=True):
                yield RankedRows(query.query_id, of_query, place.ranks, place.similarities)


def run_hits(run: str, ranked: Iterable[RankedRows], ids: PassageIds) -> Iterator[Hit]:
    """Yield ranked passages as the hits of a run."""
    for query_id, rows, ranks, similarities in ranked:
        for passage_id, rank, similarity in zip(ids.of(rows), ranks.tolist(), similarities.tolist(), strict=True):
            yield Hit(run, query_id, passage_id, rank, similarity)
