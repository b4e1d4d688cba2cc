"""The workbench's own rows in tables: annotations, utilities and candidates, carried by the names of their fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_type_hints

from workbench.errors import BadInput
from workbench.formats.parsing.gathering import Gathering, Problem, Unreadable
from workbench.formats.parsing.lookup import Lookup
from workbench.formats.parsing.tables import Table, open_table
from workbench.formats.parsing.values import parse_json, read_id, read_text, read_title, shown
from workbench.formats.writing.rows import unharmed
from workbench.records import (
    GRADES,
    TAG_LETTERS,
    UNITS,
    Annotation,
    AnswerLikelihood,
    Candidate,
    Unit,
    Utility,
    Verdict,
)

Kept = TypeVar("Kept", Annotation, Utility, Candidate)
Word = TypeVar("Word", bound=str)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
# Verdicts, and the marks that can stand in their place, in the order of the type.
_WORD_TYPES = get_type_hints(Annotation)["verdict"]
WORDS = tuple(word for part in (get_args(_WORD_TYPES) or ()) for word in (get_args(part) or (part,)))
YEARS = range(1970, 2200)  # in which people annotate; nanoseconds since 1970, as some tools have it, end in 2262
_YES, _NO = ("true", "1"), ("false", "0", "")


def read_rows(
    kind: type[Kept],
    path: Path | str,
    known: Lookup,
    defaults: Mapping[str, Any],
    check: Callable[[Kept, Mapping[str, Any]], None] | None = None,
) -> tuple[tuple[Kept, ...], tuple[Problem, ...]]:
    """Read rows of a kind from a .jsonl, .csv, .tsv or .parquet file; other columns are left alone.

    A field that the file does not have is taken from `defaults`, then from the row's own default. `check` is called
    with each row and the cells it was read from, and may raise Unreadable.
    """
    path, gathering = Path(path), Gathering()
    rows: list[Kept] = []
    table = plain_table(path, gathering)
    for line, row in table.rows:
        with gathering.reading(path, line):
            made: Kept = cast("Any", kind)(**{name: _field(kind, name, row, defaults) for name in kind._fields})
            known.query(made.query_id)
            known.passage(made.passage_id)
            if check:
                check(made, row)
            rows.append(made)
    return tuple(rows), gathering.collection().problems


def plain_table(path: Path, gathering: Gathering) -> Table:
    """Read a table; cells of a CSV that were made harmless are what they were before."""
    table = open_table(path, gathering)
    if not table.columns and gathering.problems:
        first = gathering.problems[0]
        raise BadInput(first.what, first.file, first.line)
    if not {".csv", ".tsv"} & set(path.suffixes):
        return table
    rows = [(line, {name: unharmed(cell) for name, cell in row.items()}) for line, row in table.rows]
    return Table(table.columns, rows)


def read_number(value: Any, name: str) -> float:
    """Return a finite number, with all its digits."""
    plain = not isinstance(value, str) or (value.isascii() and "_" not in value)
    try:
        number = math.nan if isinstance(value, bool | None) or not plain else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Unreadable(f"{name} must be a finite number, not {shown(value)}")
    return number


def read_moment(value: Any, name: str = "created") -> datetime:
    """Return a moment in UTC; one without a zone is meant as UTC."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"{name} must be a date and time such as 2026-01-31T12:00:00Z, not {shown(value)}") from None
    if moment.year not in YEARS:
        raise Unreadable(f"{name} must be a date from {YEARS.start} to {YEARS.stop - 1}, not {shown(value)}")
    return moment


def read_verdict(value: Any, name: str = "verdict") -> Verdict:
    """Return one of the verdicts."""
    return _one_of(VERDICTS, value, name)


def read_unit(value: Any, name: str = "unit") -> Unit:
    """Return one of the units; "unknown" if there is no value."""
    return "unknown" if value is None or value == "" else _one_of(UNITS, value, name)


def _one_of(words: tuple[Word, ...], value: Any, name: str) -> Word:
    for word in words:
        if value == word:
            return word
    raise Unreadable(f"{name} must be one of {', '.join(words)}, not {shown(value)}")


def _word(value: Any, name: str) -> Any:
    return _one_of(WORDS, value, name)


def _field(kind: Any, name: str, row: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    if name in row:
        read: Callable[[Any, str], Any] = _READERS.get(name, read_title)
        return read(row[name], name)
    for given in (defaults, kind._field_defaults):
        if name in given:
            return given[name]
    raise Unreadable(f"the row has no {name}")


def _whole(value: Any, name: str, least: int = 0) -> int:
    """Return a whole number that a column of 32 bits holds."""
    number = read_number(value, name)
    if not number.is_integer() or abs(number) >= 2**31:
        raise Unreadable(f"{name} must be a whole number of up to nine digits, not {shown(value)}")
    if number < least:
        raise Unreadable(f"{name} must be at least {least}, not {shown(value)}")
    return int(number)


def _grade(value: Any, name: str) -> int | None:
    grade = None if value is None or value == "" else _whole(value, name)
    if grade is not None and grade not in GRADES:
        raise Unreadable(f"{name} must be one of {', '.join(map(str, GRADES))}, not {shown(value)}")
    return grade


def _flag(value: Any, name: str) -> bool:
    text = str("" if value is None else value).lower()
    if text not in (*_YES, *_NO):
        raise Unreadable(f"{name} must be true or false, not {shown(value)}")
    return text in _YES


def _listed(value: Any, name: str) -> list[Any]:
    listed = parse_json(value) if isinstance(value, str) and value.strip() else value or []
    if not isinstance(listed, list | tuple):
        raise Unreadable(f"{name} must be a list, not {shown(value)}")
    return list(listed)


def _tags(value: Any, name: str) -> tuple[str, ...]:
    tags = tuple(read_title(tag, name) for tag in _listed(value, name))
    if long := [tag for tag in tags if len(tag) > TAG_LETTERS]:
        raise Unreadable(f"a tag has at most {TAG_LETTERS} letters, not {shown(long[0])}")
    return tags


def _likelihoods(value: Any, name: str) -> tuple[AnswerLikelihood, ...]:
    try:
        likelihoods = [AnswerLikelihood(**cells) for cells in _listed(value, name)]
    except TypeError:
        raise Unreadable(f"{name} must be objects with {', '.join(AnswerLikelihood._fields)}") from None
    return tuple(
        AnswerLikelihood(
            read_title(one.answer, "answer"),
            _whole(one.tokens, "tokens", least=1),
            read_number(one.with_passage, "with_passage"),
            read_number(one.without_passage, "without_passage"),
        )
        for one in likelihoods
    )


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "query_id": read_id,
    "passage_id": read_id,
    "verdict": _word,
    "annotator": read_text,
    "created": read_moment,
    "value": read_number,
    "answers": _likelihoods,
    "truncated": _whole,
    "grade": _grade,
    "tags": _tags,
    "flagged": _flag,
}
