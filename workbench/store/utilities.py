"""What teachers give: utilities and failures of pairs, a batch at a time, each teacher in one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from workbench.errors import Conflict
from workbench.records import Failure, Scored, Unit, Utility
from workbench.store import arrow
from workbench.store.database.changes import Part, Table

SCORED_PAIR = ("query_id", "passage_id", "teacher")
ANSWER_CHARACTERS = 2_000  # of an answer that gave no utility: enough to see what went wrong


def add_scored(connection: duckdb.DuckDBPyConnection, scored: Sequence[Scored], unit: Unit, replace: bool) -> None:
    """Add a teacher's finished batch, see `Store.add_scored`."""
    utilities = [row for row in scored if isinstance(row, Utility)]
    failures = [row._replace(answer=row.answer[:ANSWER_CHARACTERS]) for row in scored if isinstance(row, Failure)]
    write_units(connection, {row.teacher: unit for row in scored}, replace=False)
    if replace:
        _delete(connection, "utilities", utilities)
    arrow.insert(connection, "utilities", utilities)
    _delete(connection, "failures", scored)
    arrow.insert(connection, "failures", failures)


def stored_values(connection: duckdb.DuckDBPyConnection, scored: Sequence[Scored]) -> dict[tuple[str, str, str], float]:
    """Return the utilities that are stored of the pairs and teachers of `scored`, and no others, by `SCORED_PAIR`."""
    with arrow.registered(connection, arrow.table("scored_pairs", [row[:3] for row in scored])):
        key = ", ".join(SCORED_PAIR)
        rows = connection.execute(f"select {key}, value from utilities semi join rows using ({key})").fetchall()
    return {(query_id, passage_id, teacher): value for query_id, passage_id, teacher, value in rows}


def written(scored: Sequence[Scored]) -> tuple[Table | Part, ...]:
    """Return the tables that a batch changes: of the utilities the rows of its teachers."""
    teachers = {row.teacher for row in scored}
    return "failures", "teachers", *(Part("utilities", teacher) for teacher in teachers)


def write_units(connection: duckdb.DuckDBPyConnection, units: Mapping[str, Unit], *, replace: bool) -> None:
    """Write the units of teachers; raises Conflict for one that has another, unless that is to be replaced."""
    held = dict(connection.execute("select teacher, unit from teachers").fetchall())
    for teacher, unit in units.items():
        known = held.get(teacher, "unknown")
        if known != "unknown" and unit in ("unknown", known):
            continue
        if known != "unknown" and not replace:
            raise Conflict(
                f"The utilities of {teacher!r} are in the unit {known!r}, these are in {unit!r}.",
                "Name the unit they are in, or add them under another teacher's name.",
            )
        connection.execute("insert or replace into teachers values (?, ?)", [teacher, unit])


def _delete(connection: duckdb.DuckDBPyConnection, name: str, scored: Sequence[Scored]) -> None:
    """Delete the utilities or failures of the pairs and teachers of `scored`."""
    with arrow.registered(connection, arrow.table("scored_pairs", [row[:3] for row in scored])):
        connection.execute(f"delete from {name} using rows where {arrow.same(name, 'rows', SCORED_PAIR)}")
