"""What is done to shards of rows, wherever that is, and how rows and shards become tables that travel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

Shard = TypeVar("Shard")
Batch = TypeVar("Batch")


class Work(ABC, Generic[Shard, Batch]):
    """Turns shards into batches of rows; what it is made of can be pickled, and its model is loaded where it works."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return the recipe: all that decides the rows but the shard itself."""

    @abstractmethod
    def start(self) -> Callable[[Shard], Iterator[Batch]]:
        """Load what it takes, once a process, and return what yields the finished batches of a shard."""

    @abstractmethod
    def shard_to_table(self, shard: Shard) -> pa.Table:
        """Return a shard as a table."""

    @abstractmethod
    def shard_from_table(self, table: pa.Table) -> Shard:
        """Return the shard that a table was made of."""

    @abstractmethod
    def batch_to_table(self, batch: Batch) -> pa.Table:
        """Return finished rows as a table; tables of one kind of work have one schema."""

    @abstractmethod
    def batch_from_table(self, table: pa.Table) -> Batch:
        """Return the rows that one table or several together were made of."""
