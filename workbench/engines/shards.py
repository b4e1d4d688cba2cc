"""Shards as Parquet files in a folder or on object storage: whole or not there, and checked when they are read."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import chain
from pathlib import Path
from posixpath import join
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from workbench.errors import BadSetting, Conflict, Damaged, WorkbenchError
from workbench.files import write_failure

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = ".parquet"
PART = ".part"  # what a file's name ends with until it is whole
# What every shard needs, a shard that waits for a worker, and the rows that were made of one.
Kind = Literal["shared", "waiting", "finished"]


class ShardFolder:
    """The shards of one piece of work at a URL that fsspec reads: a folder here or shared, s3://, gs://, memory://.

    A file is written beside and renamed, so that a finished shard is its own checkpoint. Its pages carry checksums.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._files, self._root = _file_system(url)

    @classmethod
    def of(cls, url: str, verb: str, recipe: str) -> ShardFolder:
        """Return the folder within `url` for one verb and recipe: two recipes never share a folder."""
        return cls(join(url, f"{verb}-{sha256(recipe.encode()).hexdigest()[:16]}"))

    def names(self, kind: Kind) -> list[str]:
        """Return the names of the whole shards of a kind."""
        folder = join(self._root, kind)
        self._files.invalidate_cache(folder)
        if not self._files.exists(folder):
            return []
        files = (path.rsplit("/", 1)[-1] for path in self._files.ls(folder, detail=False))
        return sorted(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX))

    def holds(self, kind: Kind, name: str) -> bool:
        """Return whether a shard is there, and whole."""
        self._files.invalidate_cache(join(self._root, kind))
        return bool(self._files.exists(self._path(kind, name)))

    def write(self, kind: Kind, name: str, tables: Iterable[pa.Table]) -> None:
        """Write a shard, of one table or several with the same schema; it is there once it is whole."""
        import pyarrow.parquet as pq

        path, tables = self._path(kind, name), iter(tables)
        part = f"{path}.{uuid4().hex}{PART}"
        first = next(tables)
        with self._storage():
            self._files.makedirs(join(self._root, kind), exist_ok=True)
            with (
                self._files.open(part, "wb") as file,
                pq.ParquetWriter(file, first.schema, write_page_checksum=True) as writer,
            ):
                for table in chain((first,), tables):
                    writer.write_table(table)
            self._files.mv(part, path)

    def read(self, kind: Kind, name: str) -> pa.Table | None:
        """Return a shard; None, with the warning Damaged, if it is not what was written."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self._storage(), self._files.open(self._path(kind, name), "rb") as file:
            try:
                return pq.read_table(file, page_checksum_verification=True)
            except (pa.ArrowException, RuntimeError, OSError) as error:
                reason = str(error)
        warnings.warn(f"A damaged shard is computed again: {self._path(kind, name)}: {reason}", Damaged, stacklevel=2)
        return None

    def stream(self, kind: Kind, name: str, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield a shard so many rows at a time."""
        import pyarrow.parquet as pq

        with self._storage(), self._files.open(self._path(kind, name), "rb") as file:
            yield from pq.ParquetFile(file, page_checksum_verification=True).iter_batches(rows)

    def clear(self) -> None:
        """Remove the folder with all that is in it."""
        with self._storage():
            if self._files.exists(self._root):
                self._files.rm(self._root, recursive=True)

    def remove(self, kind: Kind, name: str) -> None:
        """Remove a shard, if it is there."""
        with self._storage():
            if self._files.exists(path := self._path(kind, name)):
                self._files.rm(path)

    def _path(self, kind: Kind, name: str) -> str:
        return join(self._root, kind, f"{name}{SUFFIX}")

    @contextmanager
    def _storage(self) -> Iterator[None]:
        """Raise what the storage refuses as an error that names it."""
        try:
            yield
        except FileNotFoundError as error:
            raise WorkbenchError(
                f"{error.filename or error} is not there.", "All machines must see the same --shards."
            ) from error
        except OSError as error:
            if refused := write_failure(error, self.url):
                raise refused from error
            raise


@contextmanager
def only_caller(folder: ShardFolder | None, locks: Path) -> Iterator[None]:
    """Hold a folder of shards for this process within the block: a second one would take its shards away.

    The lock lies in a workspace's folder of locks, and the system frees it with the process. Raises Conflict if another
    process of the workspace holds the folder.
    """
    if folder is None:
        yield
        return
    from filelock import FileLock, Timeout

    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{folder.url.rsplit('/', 1)[-1]}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Conflict(
            f"Another process of this workspace computes the shards in {folder.url}.", "Wait for it, or stop it."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it; raises BadSetting where none can be had."""
    import fsspec

    try:
        files, root = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise BadSetting(
            f"Shards cannot be kept at {url!r}: {error}",
            "Name a folder, or install what fsspec needs for the storage: `pip install s3fs` for s3://.",
        ) from error
    return files, str(root)
