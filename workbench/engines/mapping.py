"""The one way by which a function gets its shards, here or on other machines, and by which finished rows come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from workbench.engines.settings import ShardSettings
from workbench.engines.shards import ShardFolder
from workbench.engines.work import Batch, Shard, Work
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import pyarrow as pa

ATTEMPTS = 3  # at a shard whose file is damaged each time


class Engine(Protocol):
    """Where shards are computed, and where they are kept until their rows are stored."""

    @property
    def settings(self) -> ShardSettings:
        """Return where shards lie, "" for the workspace's own folder, and how many rows they have."""
        ...

    @property
    def uses_files(self) -> bool:
        """Return whether shards go through files; if not, rows are handed on in this process as they are finished."""
        ...

    def compute(self, work: Work[Any, Any], folder: ShardFolder, names: Iterator[str]) -> Iterator[str]:
        """Yield the names of waiting shards, in any order, as their rows are finished."""
        ...


def map_shards(
    work: Work[Shard, Batch], shards: Iterable[Shard], engine: Engine, folder: ShardFolder | None = None
) -> Iterator[Batch]:
    """Yield the finished rows of all shards, in any order.

    With a folder a shard's rows come at once, from its file, which goes when the next ones are asked for: whoever does
    so has kept these. What an earlier call left finished there is for `leftovers`.
    """
    if folder is None:
        function = work.start()
        for shard in shards:
            yield from function(shard)
        return
    names = _written(work, shards, folder)
    for _ in range(ATTEMPTS):
        damaged = []
        for name in engine.compute(work, folder, names):
            table = folder.read("finished", name)
            if table is None:
                damaged.append(name)
            else:
                yield work.batch_from_table(table)
                folder.remove("waiting", name)
            folder.remove("finished", name)
        if not damaged:
            return
        names = iter(damaged)
    raise WorkbenchError(
        f"Shard {damaged[0]} was damaged {ATTEMPTS} times when it came back from {folder.url}.",
        "Check that storage, or keep the --shards elsewhere. All other shards are kept.",
    )


def leftovers(work: Work[Any, Batch], folder: ShardFolder) -> Iterator[Batch]:
    """Yield the rows of the shards that an earlier call finished and did not store; damaged ones are dropped."""
    for name in folder.names("finished"):
        table = folder.read("finished", name)
        if table is not None:
            yield work.batch_from_table(table)
        folder.remove("finished", name)
    for name in folder.names("waiting"):
        folder.remove("waiting", name)


def finish(work: Work[Shard, Any], function: Callable[[Shard], Iterator[Any]], folder: ShardFolder, name: str) -> None:
    """Compute a waiting shard and write its rows, unless these are there."""
    if folder.holds("finished", name):
        return
    table = folder.read("waiting", name)
    if table is None:
        raise WorkbenchError(f"The waiting shard {name} in {folder.url} is damaged.", "Run the same command again.")
    folder.write("finished", name, (work.batch_to_table(batch) for batch in function(work.shard_from_table(table))))


def _written(work: Work[Shard, Any], shards: Iterable[Shard], folder: ShardFolder) -> Iterator[str]:
    """Write shards, each as its name is asked for, and yield their names: digests of what is in them."""
    for shard in shards:
        table = work.shard_to_table(shard)
        name = _digest(table)
        folder.write("waiting", name, [table])
        yield name


def _digest(table: pa.Table) -> str:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sha256(sink.getvalue()).hexdigest()[:32]
