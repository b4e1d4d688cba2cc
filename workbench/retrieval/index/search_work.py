"""Exact search as work on shards: the nearest of each block of passages, and the best of all blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.engines import Engine, Work, map_shards, only_caller, shard_folder
from workbench.records import Listener, Progress
from workbench.retrieval.index.exact import Index
from workbench.retrieval.ranking import Floats, Nearest, Rows, check_depth, no_hits
from workbench.retrieval.stored_vectors import blocks

if TYPE_CHECKING:
    import pyarrow as pa


class Block(NamedTuple):
    """Some passages: their rows in the collection, ids and unit vectors (m, d)."""

    rows: Rows
    ids: list[str]
    vectors: Floats


@dataclass(frozen=True, eq=False)
class SearchWork(Work[Block, Nearest]):
    """The `k` nearest passages of a block for each query vector (q, d)."""

    queries: Floats
    k: int

    @property
    def name(self) -> str:
        """Return a digest of the queries, and the depth."""
        return f"{sha256(np.ascontiguousarray(self.queries).data).hexdigest()}@{self.k}"

    def start(self) -> Callable[[Block], Iterator[Nearest]]:
        """Return what searches a block, whose hits are rows of the collection."""

        def nearest(block: Block) -> Iterator[Nearest]:
            hits = Index(block.vectors, block.ids).search(self.queries, self.k)
            yield Nearest(np.where(hits.rows >= 0, block.rows[hits.rows], -1), hits.similarities)

        return nearest

    def shard_to_table(self, shard: Block) -> pa.Table:
        """Return a row a passage."""
        import pyarrow as pa

        return pa.table({"row": shard.rows, "id": pa.array(shard.ids, pa.string()), "vector": _to_lists(shard.vectors)})

    def shard_from_table(self, table: pa.Table) -> Block:
        """Return the passages."""
        return Block(table["row"].to_numpy(), table["id"].to_pylist(), _from_lists(table["vector"]))

    def batch_to_table(self, batch: Nearest) -> pa.Table:
        """Return a row a query."""
        import pyarrow as pa

        return pa.table({"rows": _to_lists(batch.rows), "similarities": _to_lists(batch.similarities)})

    def batch_from_table(self, table: pa.Table) -> Nearest:
        """Return the hits of all queries in a block."""
        return Nearest(_from_lists(table["rows"]), _from_lists(table["similarities"]))


def search_blocks(index: Index, work: SearchWork, engine: Engine, workspace: Path, listen: Listener) -> Nearest:
    """Return what `index.search` does, each block of its vectors searched by an engine.

    An interrupted search begins anew.
    """
    check_depth(work.k)
    folder = shard_folder(engine, str(workspace / "shards"), "search", work.name)
    shards = (Block(rows, index.ids.of(rows), vectors) for rows, vectors in blocks(index.stored))
    best, done = no_hits(len(work.queries), work.k), 0
    with only_caller(folder, workspace / "locks"):
        for part in map_shards(work, shards, engine, folder):
            best = _best_of(best, part, index.order)
            done += 1
            listen(Progress("search", done, 0, "blocks"))
        if folder:
            folder.clear()
    return best


def _best_of(some: Nearest, others: Nearest, order: Rows) -> Nearest:
    """Return the best of two sets of hits of the same queries, as many as the first has."""
    rows = np.hstack([some.rows, others.rows])
    similarities = np.hstack([some.similarities, others.similarities])
    chosen = np.lexsort((order[rows], -similarities), axis=1)[:, : some.rows.shape[1]]
    return Nearest(np.take_along_axis(rows, chosen, 1), np.take_along_axis(similarities, chosen, 1))


def _to_lists(table: Floats | Rows) -> pa.Array:
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(table).ravel()), table.shape[1])


def _from_lists(column: pa.ChunkedArray) -> NDArray[Any]:
    lists = column.combine_chunks()
    return np.asarray(lists.flatten().to_numpy()).reshape(len(lists), -1)
