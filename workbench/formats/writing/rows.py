"""Rows as files that people and programs open, JSONL, CSV and Parquet: written as they come, whatever their number."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from workbench.errors import BadSetting

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]
Writer = Callable[[Iterable[Row], "pa.Schema", BinaryIO], int]

# A spreadsheet runs a cell that begins so as a formula; a leading apostrophe makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A text of our own that begins with an apostrophe gets a second one, so that taking one away is never wrong.
_GUARDED = (*_FORMULA, "'")
# Rows that become Arrow's at once, and how many of these, or bytes, a row group of Parquet has, all of it in memory.
AT_ONCE, GROUP_ROWS, GROUP_BYTES = 128, 1 << 20, 16 << 20


def write_jsonl(rows: Iterable[Row], columns: pa.Schema, file: BinaryIO) -> int:
    """Write one JSON object a line, nothing escaped that UTF-8 can say; numbers must be finite."""
    encoder, number = json.JSONEncoder(ensure_ascii=False, allow_nan=False), 0
    for row in rows:
        try:
            line = encoder.encode(row)
        except ValueError:
            raise BadSetting(
                "One of the numbers is infinite or none, which JSON cannot say.", "Score it again."
            ) from None
        file.write(f"{line}\n".encode())
        number += 1
    return number


def write_csv(rows: Iterable[Row], columns: pa.Schema, file: BinaryIO) -> int:
    """Write a header and one line a row, with a byte order mark, as spreadsheets want it; lists are JSON in a cell."""
    number = 0
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    try:
        writer = csv.DictWriter(text, columns.names, lineterminator="\r\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(value) for name, value in row.items()})
            number += 1
    finally:
        text.detach()
    return number


def write_parquet(rows: Iterable[Row], columns: pa.Schema, file: BinaryIO) -> int:
    """Write a Parquet file of these columns; mappings are JSON, for their keys would otherwise become columns."""
    from pyarrow.parquet import ParquetWriter

    number = 0
    with ParquetWriter(file, columns, compression="zstd") as writer:
        for group in _row_groups(rows, columns):
            writer.write_table(group)
            number += len(group)
    return number


def _row_groups(rows: Iterable[Row], columns: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows as tables, each of which becomes a row group; where they are parted, the rows alone decide."""
    import pyarrow as pa

    remaining, batches, size = iter(rows), list[pa.RecordBatch](), 0
    while some := list(islice(remaining, AT_ONCE)):
        cells = [{name: _json(v) if isinstance(v, dict) else v for name, v in row.items()} for row in some]
        batches.append(pa.RecordBatch.from_pylist(cells, columns))
        size += batches[-1].nbytes
        if len(batches) * AT_ONCE >= GROUP_ROWS or size >= GROUP_BYTES:
            yield pa.Table.from_batches(batches).combine_chunks()
            batches, size = [], 0
    if batches:
        yield pa.Table.from_batches(batches).combine_chunks()


def json_list(items: Iterable[Any], indent: int) -> Iterator[str]:
    """Yield the text of a JSON list, item by item, as `json.dumps` writes it with this indent."""
    opening, lead = "[", "\n" + " " * indent
    for item in items:
        text = json.dumps(item, ensure_ascii=False, indent=indent).replace("\n", lead)
        yield f"{opening}{lead}{text}"
        opening = ","
    yield "[]" if opening == "[" else "\n]"


def harmless(text: str) -> str:
    """Return a text as a CSV cell that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_GUARDED) else text


def unharmed(cell: str) -> str:
    """Return the text that `harmless` made a cell of; a cell of other tools' making is left as it is."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_GUARDED) else cell


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        value = _json(value)
    return harmless(value) if isinstance(value, str) else value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


WRITERS: dict[str, Writer] = {"jsonl": write_jsonl, "csv": write_csv, "parquet": write_parquet}


def file_content(rows: Iterable[Row], columns: pa.Schema, form: str) -> bytes:
    """Return rows as the content of one file, "jsonl", "csv" or "parquet"."""
    file = io.BytesIO()
    WRITERS[form](rows, columns, file)
    return file.getvalue()
