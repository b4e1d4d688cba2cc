"""How single values are read: ids, texts, answers, splits, relevances, similarities."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from workbench.formats.parsing.gathering import Unreadable
from workbench.records import SPLITS, Passage

OTHER_SPLIT_NAMES = {"validation": "dev", "valid": "dev", "val": "dev"}
# Nine digits fit the integer column of every database; a relevance beyond that is some other number.
_WHOLE_NUMBER = re.compile(r"([+-]?[0-9]{1,9})(?:\.0*)?")
_SHOWN = 60


def shown(value: object) -> str:
    """Return a value as an error message shows it: quoted, and not longer than a line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def read_id(value: Any, name: str) -> str:
    """Return an id: any string that is not empty; whole numbers become their digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value == "":
        raise Unreadable(f"{name} is missing")
    if not isinstance(value, str):
        raise Unreadable(f"{name} must be a string or a whole number, not {shown(value)}")
    return _encodable(value, name)


def read_text(value: Any, name: str) -> str:
    """Return a text that says something, unchanged."""
    text = read_title(value, name)
    if not text.strip():
        raise Unreadable(f"{name} is empty")
    return text


def read_title(value: Any, name: str) -> str:
    """Return a text that may be empty or left out."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{name} must be a string, not {shown(value)}")
    return _encodable(value, name)


def read_passage(passage_id: str, title: Any, text: Any, name: str = "text") -> Passage:
    """Return a passage with a title, a text or both, unchanged; with neither, no more than its id is known."""
    passage = Passage(passage_id, read_title(title, "title"), read_title(text, name))
    return passage if (passage.title + passage.text).strip() else Passage(passage_id, "", "")


def read_answers(value: Any) -> tuple[str, ...]:
    """Return reference answers, each once, in order; none if there is no value.

    A value is a list, a string that holds a JSON list, one answer as a string or a whole number, or an
    object with such a list under `text` (SQuAD as its data set card has it).
    """
    if isinstance(value, dict) and "text" in value:
        value = value["text"]
    if isinstance(value, str):
        value = _listed(value, "answers")
    if value is None or value == "":
        return ()
    if not isinstance(value, list | tuple):
        value = [value]
    return tuple(dict.fromkeys(_answer(answer) for answer in value))


def read_tags(value: Any) -> tuple[str, ...]:
    """Return the tags of a query, each once, in order, spaces around them taken off; none if there is no value.

    A value is a list, a string that holds a JSON list, or tags separated by `|`, and by commas where there is no `|`.
    """
    if isinstance(value, str):
        value = _listed(value, "tags")
    if isinstance(value, str):
        value = [part for part in value.split("|" if "|" in value else ",") if part.strip()]
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise Unreadable(f"tags must be a list or a string, not {shown(value)}")
    return tuple(dict.fromkeys(read_text(read_id(tag, "one of the tags"), "one of the tags").strip() for tag in value))


def read_split(value: Any) -> str:
    """Return a split's name as the records spell it; empty if there is no value."""
    if value is None or value == "":
        return ""
    if not (split := known_split(value)):
        raise Unreadable(f"split must be one of {', '.join(SPLITS)}, not {shown(value)}")
    return split


def known_split(value: Any) -> str:
    """Return the split that a name stands for, or nothing."""
    name = value.strip().lower() if isinstance(value, str) else ""
    name = OTHER_SPLIT_NAMES.get(name, name)
    return name if name in SPLITS else ""


def read_relevance(value: Any) -> int:
    """Return a relevance; `1.0` is 1, `0.5` is unreadable."""
    if not isinstance(value, bool | None) and (match := _WHOLE_NUMBER.fullmatch(str(value).strip())):
        return int(match[1])
    raise Unreadable(f"relevance must be a whole number of up to nine digits, not {shown(value)}")


def read_similarity(value: str) -> float:
    """Return a finite similarity."""
    try:
        similarity = float(value)
    except ValueError:
        raise Unreadable(f"similarity must be a number, not {shown(value)}") from None
    if not math.isfinite(similarity) or "_" in value or not value.isascii():
        raise Unreadable(f"similarity must be a finite number, not {shown(value)}")
    return similarity


def parse_json(text: str) -> Any:
    """Return what a piece of JSON stands for."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as trouble:
        raise Unreadable(f"not JSON: {trouble.msg} at character {trouble.pos + 1}") from None
    except (ValueError, RecursionError):  # numbers of thousands of digits, lists in lists in lists
        raise Unreadable("JSON that is too deep or holds too long a number") from None


def _listed(text: str, name: str) -> Any:
    """Return the list that a table's cell spells, or the cell itself."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    try:
        return parse_json(text)
    except Unreadable:  # most often Python's own spelling, which would pass for one very odd answer
        raise Unreadable(f"{name} look like a list but are not JSON: {shown(text)}") from None


def _answer(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None:
        raise Unreadable("one of the answers is missing")
    return read_text(value, "one of the answers")


def _encodable(text: str, name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can spell half of a surrogate pair; no file or database can hold it
        raise Unreadable(
            f"{name} holds half of a surrogate pair, which is no character: {ascii(text)[:_SHOWN]}"
        ) from None
    return text
