"""Annotated hard cases as files that people and programs open: JSONL and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]

# A spreadsheet runs a cell that begins so as a formula; a leading apostrophe makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_jsonl(rows: Iterable[Row]) -> str:
    """Return one JSON object a line, nothing escaped that UTF-8 can say."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_csv(rows: Iterable[Row]) -> str:
    """Return a header and one line a row; lists and mappings are JSON in their cell."""
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, listed[0].keys() if listed else ["query_id", "passage_id"], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in listed)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


CASES: dict[str, Callable[[Iterable[Row]], str]] = {"jsonl": as_jsonl, "csv": as_csv}
