"""Queries in groups that no split divides, and the shares of such groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256

from workbench.store.splits import SplitQuery

# A group of more than this share of the smallest split is placed first, where there is most room.
LARGE = 0.25


def connected(queries: Sequence[SplitQuery], shared: Iterable[tuple[str, str]]) -> list[list[SplitQuery]]:
    """Return the queries in groups: those that share something, be it by way of others; `shared` pairs query and name.

    A query that shares nothing is a group of its own.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = {query.query_id: row for row, query in enumerate(queries)}
    names: dict[str, int] = {}
    edges = [
        (rows[query_id], names.setdefault(name, len(queries) + len(names)))
        for query_id, name in shared
        if query_id in rows
    ]
    ends = np.array(edges, np.int64).reshape(-1, 2).T
    nodes = len(queries) + len(names)
    _, labels = connected_components(coo_array((np.ones(len(edges)), (ends[0], ends[1])), (nodes, nodes)), False)
    groups: defaultdict[int, list[SplitQuery]] = defaultdict(list)
    for query, label in zip(queries, labels.tolist(), strict=False):
        groups[label].append(query)
    return list(groups.values())


def placed(
    groups: Iterable[Sequence[SplitQuery]], movable: Collection[str], shares: Mapping[str, float], seed: int
) -> dict[str, str]:
    """Return query_id -> split of the movable queries, each group in one split, in sizes as the shares have them.

    A group that holds queries which stay where they are goes to train if these are of train alone; else its other
    queries would leak into dev or test, and have no split. Depends on the seed and the ids, not on the order.
    """
    splits: dict[str, str] = {}
    free: dict[bool, list[Sequence[SplitQuery]]] = {True: [], False: []}
    for group in groups:
        staying = {query.split for query in group if query.query_id not in movable} - {""}
        moving = [query for query in group if query.query_id in movable]
        if staying:
            splits |= dict.fromkeys((query.query_id for query in moving), "train" if staying == {"train"} else "")
        elif moving:
            free[any(query.judged for query in moving)].append(moving)
    for members in free.values():  # so that the queries that can be measured have the shares too
        splits |= _by_shares(members, shares, seed)
    return splits


def _by_shares(groups: Sequence[Sequence[SplitQuery]], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Return query_id -> split; each group goes where most is missing, large ones first, the others in random order.

    The last groups go to splits that have none yet.
    """
    size = sum(map(len, groups))
    missing = {split: size * share / sum(shares.values()) for split, share in shares.items() if share}
    large = LARGE * min(missing.values())

    def order(group: Sequence[SplitQuery]) -> tuple[int, str]:
        first = min(query.query_id for query in group)
        return -len(group) if len(group) > max(1, large) else 0, sha256(f"{seed} {first}".encode()).hexdigest()

    splits: dict[str, str] = {}
    empty = set(missing)
    for left, group in zip(range(len(groups), 0, -1), sorted(groups, key=order), strict=True):
        open_splits = empty if left <= len(empty) else missing
        split = max((name for name in missing if name in open_splits), key=lambda name: missing[name])
        missing[split] -= len(group)
        empty.discard(split)
        splits |= dict.fromkeys((query.query_id for query in group), split)
    return splits
