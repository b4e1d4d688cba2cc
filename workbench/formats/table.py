"""Tables with a query, a passage, or a query and its passages a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import BadInput, UnknownName
from workbench.formats.parsing.gathering import Collection, Gathering, Problem, Unreadable
from workbench.formats.parsing.tables import open_table, streamed_table
from workbench.formats.parsing.values import (
    parse_json,
    read_answers,
    read_id,
    read_passage,
    read_relevance,
    read_split,
    read_tags,
    read_text,
    shown,
)
from workbench.records import Passage, Qrel, Query

# What a column can be, and the names it is known by, the first found taken. A bare id is the query's
# where there are queries, else the passage's.
ROLES: dict[str, tuple[str, ...]] = {
    "query": ("query", "question", "query_text"),
    "passage": ("passage", "passage_text", "context", "text"),
    "passages": ("passages", "contexts"),
    "query_id": ("query_id", "question_id", "qid"),
    "answers": ("answers", "answer"),
    "split": ("split",),
    "tags": ("tags", "tag"),
    "title": ("title",),
    "passage_id": ("passage_id", "doc_id", "docid", "pid"),
    "relevance": ("relevance", "rel", "label"),
}
BARE_ID = ("id", "_id")
_PART_ID = (*ROLES["passage_id"], *BARE_ID)


class Judged(NamedTuple):
    """A passage as a row has it, and its relevance if the row tells it."""

    passage: Passage
    relevance: int | None


def read_table(path: Path | str, columns: Mapping[str, str] | None = None, relevance: int | None = None) -> Collection:
    """Read a table (.jsonl, .csv, .tsv, .parquet; text also as .gz).

    `columns` maps roles (keys of `ROLES`) to the file's names where they differ from the usual ones; "" stands for a
    role that no column has.
    `relevance` is that of passages whose row has none; without it they get no qrel, and one problem
    says so. Ids that a table does not have are derived from the texts, so the same text has the same id.
    """
    path, gathering = Path(path), Gathering()
    table = open_table(path, gathering)
    if not table.columns:  # nothing but lines that cannot be read
        gathering.must_be_regular()
    roles = _roles(table.columns, columns or {}, path)
    unjudged: list[int] = []
    for line, row in table.rows:
        with gathering.reading(path, line):
            unjudged += [line] * _keep(gathering, row, roles, relevance)
    if unjudged:
        gathering.problems.append(Problem(str(path), unjudged[0], _missing_relevance(len(unjudged))))
    return gathering.collection()


def table_batches(
    path: Path | str, columns: Mapping[str, str], relevance: int | None, characters: int
) -> Iterator[Collection]:
    """Yield the rows of a table, as many at once as have so many characters.

    Anything irregular raises BadInput, which says no more than that: `read_table` says all there is.
    """
    path, gathering, held = Path(path), Gathering(), 0
    table = streamed_table(path, gathering)
    gathering.must_be_regular()
    roles = _roles(table.columns, columns, path)
    for line, row in table.rows:
        with gathering.reading(path, line):
            if _keep(gathering, row, roles, relevance):
                raise Unreadable(_missing_relevance(1))
        gathering.must_be_regular()
        held += _characters(row)
        if held >= characters:
            yield gathering.hand_on()
            held = 0
    gathering.must_be_regular()
    yield gathering.hand_on()


def _keep(gathering: Gathering, row: dict[str, Any], roles: dict[str, str], relevance: int | None) -> int:
    """Keep what a row holds, and return of how many passages nothing tells how relevant they are."""
    query, passages = _query(row, roles), _passages(row, roles, relevance)
    if not query and not passages:
        raise Unreadable("the row holds no passage")
    new = [gathering.keep_query(query)] if query else []
    new += [gathering.keep_passage(judged.passage) for judged in passages]
    if query:
        new += [
            gathering.keep_qrel(Qrel(query.query_id, judged.passage.passage_id, judged.relevance))
            for judged in passages
            if judged.relevance is not None
        ]
    gathering.duplicates += not any(new)
    return sum(judged.relevance is None for judged in passages) if query else 0


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        value = list(value.values())
    return sum(map(_characters, value)) if isinstance(value, list) else 1


def column_roles(names: Sequence[str], chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return role -> column: the chosen one ("" for none), else the one that has a usual name of the role."""
    roles = dict(chosen or {})
    taken = set(roles.values())
    for role, aliases in ROLES.items():
        takes_bare_id = role == ("query_id" if roles.get("query") else "passage_id")
        usual = (*aliases, *BARE_ID) if takes_bare_id else aliases
        column = next((name for name in usual if name in names and name not in taken), None)
        if role not in roles and column is not None:
            roles[role] = column
            taken.add(column)
    return {role: column for role, column in roles.items() if column}


def derived_id(kind: str, *texts: str) -> str:
    """Return an id that depends on nothing but the texts."""
    content = "".join(f"{len(text)} {text}" for text in texts)
    return f"{kind}-{hashlib.blake2b(content.encode(), digest_size=8).hexdigest()}"


def _roles(names: tuple[str, ...], chosen: Mapping[str, str], path: Path) -> dict[str, str]:
    """Return role -> column, refusing tables in which neither queries nor passages can be recognised."""
    for role, name in chosen.items():
        if role not in ROLES:
            raise UnknownName("role of a column", role, list(ROLES))
        if name and name not in names:
            raise BadInput(f"there is no column {name!r}.", path, hint=f"Columns: {', '.join(names)}.")
    roles = column_roles(names, chosen)
    if "query" not in roles:  # a label that judges no pair
        roles.pop("relevance", None)
    if not {"query", "passage", "passages"} & roles.keys():
        known = ", ".join(name for role in ("query", "passage", "passages") for name in ROLES[role])
        found_names = ", ".join(names) or "none"
        raise BadInput(
            f"no column holds queries or passages. Columns: {found_names}.", path, hint=f"Expected: {known}."
        )
    return roles


def _query(row: dict[str, Any], roles: dict[str, str]) -> Query | None:
    if "query" not in roles:
        return None
    text = read_text(row.get(roles["query"]), roles["query"])
    given_id = read_id(row.get(roles["query_id"]), roles["query_id"]) if "query_id" in roles else ""
    return Query(
        given_id or derived_id("q", text),
        text,
        read_answers(_cell(row, roles, "answers")),
        read_split(_cell(row, roles, "split")),
        read_tags(_cell(row, roles, "tags")),
    )


def _passages(row: dict[str, Any], roles: dict[str, str], relevance: int | None) -> list[Judged]:
    judged = []
    if "passage" in roles:
        given_id = read_id(row.get(roles["passage_id"]), roles["passage_id"]) if "passage_id" in roles else ""
        passage = _passage(given_id, _cell(row, roles, "title"), row.get(roles["passage"]), roles["passage"])
        judged.append(Judged(passage, _relevance(_cell(row, roles, "relevance"), relevance)))
    listed = _cell(row, roles, "passages")
    if isinstance(listed, str):
        listed = parse_json(listed) if listed.strip() else None
    if listed is not None and not isinstance(listed, list):
        raise Unreadable(f"{roles['passages']} must be a list, not {shown(listed)}")
    return judged + [_part(entry, relevance) for entry in listed or ()]


def _part(value: Any, relevance: int | None) -> Judged:
    """Return one entry of a list of passages: a text, or an object with text, title, id, relevance."""
    if isinstance(value, str):
        text = read_text(value, "a passage")
        return Judged(Passage(derived_id("p", "", text), "", text), relevance)
    if not isinstance(value, dict):
        raise Unreadable(f"a passage must be a string or an object, not {shown(value)}")
    given_id = _first(value, _PART_ID)
    passage_id = "" if given_id is None else read_id(given_id, "the id of a passage")
    passage = _passage(passage_id, value.get("title"), _first(value, ROLES["passage"]), "the text of a passage")
    return Judged(passage, _relevance(_first(value, ROLES["relevance"]), relevance))


def _passage(passage_id: str, title: Any, text: Any, name: str) -> Passage:
    """Return a passage; one that has no id gets its id from its title and text, and must have one of them."""
    passage = read_passage(passage_id, title, text, name)
    if passage_id:
        return passage
    if not passage.has_text:
        raise Unreadable(f"{name} is empty")
    return passage._replace(passage_id=derived_id("p", passage.title, passage.text))


def _relevance(value: Any, otherwise: int | None) -> int | None:
    return otherwise if value is None or value == "" else read_relevance(value)


def _cell(row: dict[str, Any], roles: dict[str, str], role: str) -> Any:
    return row.get(roles[role]) if role in roles else None


def _first(value: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _missing_relevance(count: int) -> str:
    pairs = f"this and {count - 1:,} further passages are" if count > 1 else "this passage is"
    return f"nothing tells how relevant {pairs}; add a column `relevance`, or say which one they have (--relevance 1)"
