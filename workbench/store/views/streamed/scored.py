"""A teacher's utilities as examples, those of some queries at a time, and what must be known of all before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.records import Example, Passage, Query
from workbench.store.database.connection import taking
from workbench.store.views.collection import texts_of_passages
from workbench.store.views.streamed.rows import parts_of
from workbench.store.workspace_settings import TITLE_JOINS, read_settings

if TYPE_CHECKING:
    from workbench.store.store import Store

PAIRS_AT_ONCE = 100_000  # of a part of several queries, with their texts
MEMORY = 1 << 28  # bytes that DuckDB may hold of what it reads for it

_SCORED = """
    from (from utilities where teacher = $teacher)
    join (select query_id, text, answers as reference_answers from queries where split = $split) using (query_id)
"""


def stream_examples(store: Store, teacher: str, split: str) -> Iterator[list[Example]]:
    """Yield the scored queries of a split by id with their passages, best first, part by part.

    They are those of `examples`, but for what else is known of a query, and for its tags.
    """
    values = {"teacher": teacher, "split": split}
    for first, last in parts_of(store, _SCORED, values, PAIRS_AT_ONCE):
        yield _part(store, {**values, "first": first, "last": last})


def _part(store: Store, values: dict[str, str]) -> list[Example]:
    with store.read() as connection, taking(connection, MEMORY):
        title_join = TITLE_JOINS[read_settings(connection).title_join]
        rows = connection.execute(
            f"""
            select query_id, any_value(text), any_value(reference_answers),
                   list(passage_id order by value desc, passage_id), list(value order by value desc, passage_id)
            {_SCORED} where query_id between $first and $last group by query_id order by query_id
            """,
            values,
        ).fetchall()
        ids = {passage_id for *_, ranked, _ in rows for passage_id in ranked}
        texts = texts_of_passages(connection, ids)
    passages = {passage_id: Passage(passage_id, *of_passage, title_join) for passage_id, of_passage in texts.items()}
    return [
        Example(
            Query(query_id, text, tuple(answers), values["split"]),
            tuple(passages[passage_id] for passage_id in ranked),
            tuple(utilities),
        )
        for query_id, text, answers, ranked, utilities in rows
    ]


def scored_counts(store: Store, teacher: str, split: str) -> dict[str, int]:
    """Return query_id -> how many passages a teacher has scored for it, of the scored queries of a split, by id."""
    with store.read() as connection:
        rows: list[tuple[str, int]] = connection.execute(
            f"select query_id, count(*) {_SCORED} group by query_id order by query_id",
            {"teacher": teacher, "split": split},
        ).fetchall()
    return dict(rows)


def scored_splits(store: Store, teacher: str) -> set[str]:
    """Return the splits of the queries that a teacher has scored."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select distinct split from queries
            semi join (select query_id from utilities where teacher = $teacher) using (query_id)
            """,
            {"teacher": teacher},
        ).fetchall()
    return {split for (split,) in rows}
