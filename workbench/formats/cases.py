"""Rows as the content of files that people and programs open: JSONL, CSV, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from workbench.errors import BadSetting

Row = Mapping[str, Any]

# A spreadsheet runs a cell that begins so as a formula; a leading apostrophe makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A text of our own that begins with an apostrophe gets a second one, so that taking one away is never wrong.
_GUARDED = (*_FORMULA, "'")


def as_jsonl(rows: Iterable[Row]) -> str:
    """Return one JSON object a line, nothing escaped that UTF-8 can say; numbers must be finite."""
    try:
        return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
    except ValueError:
        raise BadSetting("One of the numbers is infinite or none, which JSON cannot say.", "Score it again.") from None


def as_csv(rows: Iterable[Row]) -> str:
    """Return a header and one line a row; lists and mappings are JSON in their cell."""
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, listed[0].keys() if listed else ["query_id", "passage_id"], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in listed)
    return text.getvalue()


def as_parquet(rows: Iterable[Row]) -> bytes:
    """Return a Parquet file; mappings are JSON, for their keys would otherwise become columns of nulls."""
    import pyarrow
    import pyarrow.parquet

    listed = [{name: _json(value) if isinstance(value, dict) else value for name, value in row.items()} for row in rows]
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(listed), sink, compression="zstd")
    return sink.getvalue()


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


def _utf8(write: Callable[[Iterable[Row]], str], encoding: str = "utf-8") -> Callable[[Iterable[Row]], bytes]:
    return lambda rows: write(rows).encode(encoding)


# CSV with a byte order mark, as spreadsheets want it.
CASES: dict[str, Callable[[Iterable[Row]], bytes]] = {
    "jsonl": _utf8(as_jsonl),
    "csv": _utf8(as_csv, "utf-8-sig"),
    "parquet": as_parquet,
}
