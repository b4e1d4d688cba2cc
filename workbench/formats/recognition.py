"""What the beginning of a file or folder shows of its format, read without reading the rest."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from workbench.errors import BadInput
from workbench.formats.parsing.lines import DAMAGED, UTF8_BOM, open_bytes
from workbench.formats.parsing.parquet import reading_parquet

HEAD = 65_536  # bytes of a file that are looked at
SEPARATORS = {".csv": ",", ".tsv": "\t"}


class FileHead(NamedTuple):
    """What the beginning of a file shows: names of columns, words of its first line, its text; of a folder its files.

    `columns` are those of a table, `words` those of the first line of a text file. `names` are the relative paths of a
    folder's files.
    """

    path: Path
    ending: str = ""
    columns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    text: str = ""
    names: tuple[str, ...] = ()


Recognition = Callable[[FileHead], bool]


def read_head(path: Path) -> FileHead:
    """Look at the beginning of a file, or at the names in a folder; raises BadInput if there is no such thing."""
    if path.is_dir():
        files = (file for depth in ("*", "*/*") for file in path.glob(depth) if file.is_file())
        return FileHead(path, names=tuple(sorted(str(file.relative_to(path)) for file in files)))
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if ending == ".parquet":
        return FileHead(path, ending, _parquet_columns(path))
    text = _text(path)
    if ending in SEPARATORS:
        columns = next(csv.reader(text.splitlines()[:1], delimiter=SEPARATORS[ending]), [])
        return FileHead(path, ending, tuple(columns), _first_words(text), text)
    columns = list(_json_names(text)) if ending in (".jsonl", ".ndjson") else []
    return FileHead(path, ending, tuple(columns), _first_words(text), text)


def has_columns(*names: str) -> Recognition:
    """Return what recognises a table that has all of these columns."""
    return lambda head: set(names) <= set(head.columns)


def has_only_columns(needed: Iterable[str], other: Iterable[str]) -> Recognition:
    """Return what recognises a table that has the columns `needed`, and no others than these and `other`."""
    wanted, allowed = set(needed), {*needed, *other}
    return lambda head: wanted <= set(head.columns) <= allowed


def has_files(*names: str) -> Recognition:
    """Return what recognises a folder that has all of these files, plain or gzip."""
    return lambda head: set(names) <= {name.removesuffix(".gz") for name in head.names}


def is_json_with(*names: str) -> Recognition:
    """Return what recognises a JSON file whose records have all of these keys."""
    return lambda head: head.ending == ".json" and all(f'"{name}"' in head.text for name in names)


def is_qrels(head: FileHead) -> bool:
    """Tell whether a file begins as TREC's or BEIR's qrels do."""
    words = head.words
    if words[:2] in (("query-id", "corpus-id"), ("query_id", "corpus_id")):
        return True
    return len(words) in (3, 4) and _is_number(words[-1]) and not head.ending.startswith(".json")


def is_run(head: FileHead) -> bool:
    """Tell whether a file, or the first file of a folder, begins as a TREC run does."""
    if head.names:
        first = next((name for name in head.names if "/" not in name and not name.endswith(".json")), "")
        return bool(first) and is_run(read_head(head.path / first))
    return len(head.words) == 6 and head.words[1].upper() == "Q0" and all(map(_is_number, head.words[3:5]))


def _text(path: Path) -> str:
    with open_bytes(path) as file:
        try:
            raw = file.read(HEAD)
        except DAMAGED:
            raise BadInput("the file is damaged or ends early, nothing can be read.", path) from None
    return raw.removeprefix(UTF8_BOM).decode(errors="replace")


def _first_words(text: str) -> tuple[str, ...]:
    return tuple(next((line for line in text.splitlines() if line.strip()), "").split())


def _json_names(text: str) -> dict[str, None]:
    """Return the names in the objects of JSON lines, in their order; the last line may be cut off."""
    names: dict[str, None] = {}
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            names |= dict.fromkeys(value)
    return names


def _parquet_columns(path: Path) -> tuple[str, ...]:
    import pyarrow.parquet

    with reading_parquet(path):
        return tuple(pyarrow.parquet.read_schema(path).names)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
