"""Tables as rows with names and line numbers: JSON lines, CSV, TSV, Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import BadInput, UnknownName
from workbench.formats.parsing import lines, parquet
from workbench.formats.parsing.gathering import Gathering, Unreadable
from workbench.formats.parsing.lines import json_objects, raw_lines

NumberedRow = tuple[int, dict[str, Any]]
JSON_LINES = (".jsonl", ".ndjson")
FIRST_ROWS = 1_000  # whose names are the columns of a table of JSON lines that is not held in memory


class Table(NamedTuple):
    """The columns of a table and its rows, read as they are asked for, once.

    Each row has the line, in Parquet the row, where it begins.
    """

    columns: tuple[str, ...]
    rows: Iterable[NumberedRow]


def open_table(path: Path, gathering: Gathering) -> Table:
    """Read a table by its file's ending; rows that cannot be read become problems of the gathering."""
    ending = _ending(path)
    if path.is_dir():
        raise BadInput("expected a file, found a folder.", path)
    if ending not in ENDINGS:
        raise UnknownName("kind of table", ending or path.name, sorted(ENDINGS))
    return ENDINGS[ending](path, gathering)


def _ending(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def streamed_table(path: Path, gathering: Gathering) -> Table:
    """Read a table of any size; raises BadInput where a row of JSON lines has a column that the first ones lack."""
    if _ending(path) not in JSON_LINES:
        return open_table(path, gathering)
    rows = json_objects(path, gathering)
    first = list(islice(rows, FIRST_ROWS))
    columns = _names(first)
    return Table(columns, chain(first, _rows_with(set(columns), rows, path)))


def _rows_with(columns: set[str], rows: Iterable[NumberedRow], path: Path) -> Iterator[NumberedRow]:
    for line, row in rows:
        if not row.keys() <= columns:
            raise BadInput("the row has a column that the first rows do not have.", path, line)
        yield line, row


def _names(rows: Iterable[NumberedRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for _, row in rows for name in row))


def json_table(path: Path, gathering: Gathering) -> Table:
    """Read JSON lines; the columns are the names that any of the objects has."""
    rows = list(json_objects(path, gathering))
    return Table(_names(rows), rows)


def csv_table(path: Path, gathering: Gathering) -> Table:
    """Read comma-separated values with a header; cells in quotation marks may hold line ends."""
    return _separated(path, gathering, ",")


def tsv_table(path: Path, gathering: Gathering) -> Table:
    """Read tab-separated values with a header, quoted as in CSV."""
    return _separated(path, gathering, "\t")


def parquet_table(path: Path, gathering: Gathering) -> Table:
    """Read a Parquet file; what it unpacks to is asked of its description, and counted while it is read."""
    return Table(_distinct(parquet.columns(path), path), enumerate(parquet.rows(path), start=1))


TOO_LONG = "field larger than field limit"  # what the csv module says of a cell

ENDINGS: dict[str, Callable[[Path, Gathering], Table]] = {
    ".jsonl": json_table,
    ".ndjson": json_table,
    ".csv": csv_table,
    ".tsv": tsv_table,
    ".parquet": parquet_table,
}


def _separated(path: Path, gathering: Gathering, delimiter: str) -> Table:
    records = _records(path, gathering, delimiter)
    before = len(gathering.problems)
    _, header = next(records, (0, []))
    if len(gathering.problems) > before and header:
        raise BadInput(f"the header is {gathering.problems[before].what}.", path, gathering.problems[before].line)
    if not header:
        raise BadInput("no header can be read; a table starts with the names of its columns.", path)
    return Table(_distinct(header, path), _rows(records, header, path, gathering))


def _rows(
    records: Iterator[tuple[int, list[str]]], columns: list[str], path: Path, gathering: Gathering
) -> Iterator[NumberedRow]:
    for line, cells in records:
        row: dict[str, Any] | None = None
        with gathering.reading(path, line):
            if len(cells) != len(columns):
                raise Unreadable(f"the row has {len(cells)} cells, the header has {len(columns)}")
            row = dict(zip(columns, cells, strict=True))
        if row is not None:
            yield line, row


def _records(path: Path, gathering: Gathering, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a separated file with the lines where they begin."""
    # Bytes that are not UTF-8 are carried through the csv module, which knows whose record they are in.
    decoded = (raw.decode(errors="surrogateescape") for _, raw in raw_lines(path, gathering.problems))
    with _long_cells():
        reader = csv.reader(decoded, delimiter=delimiter, strict=True)
        while True:
            begin = reader.line_num + 1
            cells: list[str] | None = []
            with gathering.reading(path, begin):
                cells = _next_record(reader, path, begin)
            if cells is None:
                return
            # A record without cells is an empty line or one that has just become a problem.
            if cells:
                yield begin, cells


def _next_record(reader: Any, path: Path, line: int) -> list[str] | None:
    try:
        cells: list[str] = next(reader)
        "".join(cells).encode()
    except StopIteration:
        return None
    except UnicodeEncodeError:
        raise Unreadable("not UTF-8") from None
    except csv.Error as trouble:
        if TOO_LONG in str(trouble):  # nothing after it is read: a quotation mark may have been left open
            raise BadInput(
                f"a cell is longer than {lines.LONGEST_LINE >> 20} MB.", path, line, "Is a quotation mark left open?"
            ) from None
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
    """Let the csv module read cells of more than 128 KiB, as long as a line may be."""
    before = csv.field_size_limit(lines.LONGEST_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(before)
