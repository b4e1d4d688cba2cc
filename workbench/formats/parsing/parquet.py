"""Parquet files as rows: bounded in what they unpack to, and refused where they are damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import BadInput
from workbench.formats.parsing import lines
from workbench.formats.parsing.lines import DAMAGED, open_bytes

# A value that stands once in a file may stand in each of its rows: as many rows are read at once as take so many bytes
# if each is as long as all of its group, but at least these.
BYTES_AT_ONCE, LEAST_ROWS_AT_ONCE, MOST_ROWS_AT_ONCE = 64 << 20, 16, 65_536


@contextmanager
def reading_parquet(path: Path) -> Iterator[None]:
    """Raise BadInput for whatever is said of a damaged file in the block."""
    import pyarrow

    try:
        yield
    # Some damage is a bare RuntimeError where a file is read through Python.
    except (pyarrow.ArrowException, RuntimeError, UnicodeDecodeError, *DAMAGED) as trouble:
        raise BadInput(f"not a readable Parquet file ({trouble}).", path) from None


def columns(path: Path) -> list[str]:
    """Return the names of a file's columns."""
    with _opened(path) as file:
        return list(file.schema_arrow.names)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; raises BadInput where they unpack to more than any table, or a row to a long line."""
    with _opened(path) as file:
        for batch in _batches(file, path):
            yield from batch.to_pylist()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow.parquet

    with open_bytes(path) as file, reading_parquet(path):
        yield pyarrow.parquet.ParquetFile(file)


def _batches(file: Any, path: Path) -> Iterator[Any]:
    described, most, unpacked, before = file.metadata, lines.most_unpacked(path), 0, 0
    # The size of a single column is not asked: of a damaged file that question ends the process.
    groups = [described.row_group(number).total_byte_size for number in range(described.num_row_groups)]
    hint = "Save it without compression if it is what you expect."
    if sum(groups) > most:
        raise lines.unpacks_to_too_much(path, hint)
    at_once = BYTES_AT_ONCE // max([1, *groups])
    for batch in file.iter_batches(min(max(at_once, LEAST_ROWS_AT_ONCE), MOST_ROWS_AT_ONCE)):
        unpacked += batch.nbytes
        if unpacked > most:
            raise lines.unpacks_to_too_much(path, hint)
        if batch.nbytes > lines.LONGEST_LINE:
            _must_be_short(batch, path, before)
        before += batch.num_rows
        yield batch


def _must_be_short(batch: Any, path: Path, before: int) -> None:
    """Raise BadInput if a row of a batch, of which so many rows come before, is longer than a line may be."""
    for row in range(batch.num_rows):
        if batch.slice(row, 1).nbytes > lines.LONGEST_LINE:
            raise BadInput(f"the row is longer than {lines.LONGEST_LINE >> 20} MB.", path, before + row + 1)
