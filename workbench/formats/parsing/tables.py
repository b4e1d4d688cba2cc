"""Tables as rows with names and line numbers: JSON lines, CSV, TSV, Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import BadInput, UnknownName
from workbench.formats.parsing.gathering import Gathering, Unreadable
from workbench.formats.parsing.lines import DAMAGED, json_objects, open_bytes, raw_lines

NumberedRow = tuple[int, dict[str, Any]]


class Table(NamedTuple):
    """The columns of a table and its rows, each with the line (in Parquet: the row) where it begins."""

    columns: tuple[str, ...]
    rows: list[NumberedRow]


def open_table(path: Path, gathering: Gathering) -> Table:
    """Read a table by its file's ending; rows that cannot be read become problems of the gathering."""
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if path.is_dir():
        raise BadInput("expected a file, found a folder.", path)
    if ending not in ENDINGS:
        raise UnknownName("kind of table", ending or path.name, sorted(ENDINGS))
    return ENDINGS[ending](path, gathering)


def json_table(path: Path, gathering: Gathering) -> Table:
    """Read JSON lines; the columns are the names that any of the objects has."""
    rows = list(json_objects(path, gathering))
    return Table(tuple(dict.fromkeys(name for _, row in rows for name in row)), rows)


def csv_table(path: Path, gathering: Gathering) -> Table:
    """Read comma-separated values with a header; cells in quotation marks may hold line ends."""
    return _separated(path, gathering, ",")


def tsv_table(path: Path, gathering: Gathering) -> Table:
    """Read tab-separated values with a header, quoted as in CSV."""
    return _separated(path, gathering, "\t")


def parquet_table(path: Path, gathering: Gathering) -> Table:
    """Read a Parquet file."""
    import pyarrow
    import pyarrow.parquet

    with open_bytes(path) as file:
        try:
            table = pyarrow.parquet.ParquetFile(file).read()
            rows = table.to_pylist()
        except (pyarrow.ArrowException, UnicodeDecodeError, *DAMAGED) as trouble:
            raise BadInput(f"not a readable Parquet file ({trouble}).", path) from None
    return Table(_distinct(table.column_names, path), list(enumerate(rows, start=1)))


ENDINGS: dict[str, Callable[[Path, Gathering], Table]] = {
    ".jsonl": json_table,
    ".ndjson": json_table,
    ".csv": csv_table,
    ".tsv": tsv_table,
    ".parquet": parquet_table,
}


def _separated(path: Path, gathering: Gathering, delimiter: str) -> Table:
    columns: tuple[str, ...] = ()
    rows: list[NumberedRow] = []
    before = len(gathering.problems)
    for line, cells in _records(path, gathering, delimiter):
        if not columns:
            if len(gathering.problems) > before:
                raise BadInput(
                    f"the header is {gathering.problems[before].what}.", path, gathering.problems[before].line
                )
            columns = _distinct(cells, path)
            continue
        with gathering.reading(path, line):
            if len(cells) != len(columns):
                raise Unreadable(f"the row has {len(cells)} cells, the header has {len(columns)}")
            rows.append((line, dict(zip(columns, cells, strict=True))))
    if not columns:
        raise BadInput("no header can be read; a table starts with the names of its columns.", path)
    return Table(columns, rows)


def _records(path: Path, gathering: Gathering, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a separated file with the lines where they begin."""
    # Bytes that are not UTF-8 are carried through the csv module, which knows whose record they are in.
    lines = (raw.decode(errors="surrogateescape") for _, raw in raw_lines(path, gathering.problems))
    with _long_cells():
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            begin = reader.line_num + 1
            cells: list[str] | None = []
            with gathering.reading(path, begin):
                cells = _next_record(reader)
            if cells is None:
                return
            # A record without cells is an empty line or one that has just become a problem.
            if cells:
                yield begin, cells


def _next_record(reader: Any) -> list[str] | None:
    try:
        cells: list[str] = next(reader)
        "".join(cells).encode()
    except StopIteration:
        return None
    except UnicodeEncodeError:
        raise Unreadable("not UTF-8") from None
    except csv.Error as trouble:
        raise Unreadable(f"not well quoted: {trouble}") from None
    return cells


def _distinct(names: list[str], path: Path) -> tuple[str, ...]:
    """Return the names of columns, none of which may stand twice; unnamed ones (an exported index) may."""
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise BadInput(f"the header names a column twice: {', '.join(twice)}.", path, line=1)
    return tuple(names)


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let the csv module read cells of any length, not only of 128 KiB."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)
