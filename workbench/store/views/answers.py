"""Answers: what readers made of a run's first passages, and what they have not read yet."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from workbench.records import Answer, Group, ReadRun, Run
from workbench.store.collection import HAS_TEXT
from workbench.store.views.collection import passages, queries

if TYPE_CHECKING:
    from workbench.store.store import Store

# The queries of a run that a reader answers, each with its first passages and the answer made from just these.
_READ = f"""
    with asked as (
        select query_id, answers as expected from queries
        where split = $split and len(answers) > 0 and {HAS_TEXT["queries"]} order by query_id limit $queries
    ),
    first as (
        select query_id, list(passage_id order by rank) as passages from hits
        where run = $run and rank <= $depth group by query_id
    ),
    wanted as (
        select query_id, expected, coalesce(passages, []) as passages from asked left join first using (query_id)
    ),
    read as (
        select query_id, expected, passages, answer, reason, truncated
        from wanted left join (from answers where reader = $reader) using (query_id, passages)
    )
"""


class JudgedAnswer(NamedTuple):
    """A reader's answer to a query from a run's first passages, beside the reference answers."""

    answer: Answer
    references: tuple[str, ...]


class Reading(NamedTuple):
    """What a reader answers a query from; of `passage_ids` the `group` lacks those of which only the id is known."""

    group: Group
    passage_ids: tuple[str, ...]

    @property
    def is_readable(self) -> bool:
        """Return whether all of the passages have a text."""
        return len(self.group.passages) == len(self.passage_ids)


def read_runs(store: Store, split: str | None = None, run: str | None = None) -> list[ReadRun]:
    """Return which runs of a split readers answer, and how deep, by reader."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select run, reader, read_runs.depth, queries from read_runs join runs using (run)
            where ($split is null or split = $split) and ($run is null or run = $run)
            order by reader, read_runs.depth, run
            """,
            {"split": split, "run": run},
        ).fetchall()
    return [ReadRun(*row) for row in rows]


def unread(store: Store, run: Run, read: ReadRun) -> tuple[list[str], int]:
    """Return the queries of a run that a reader has not answered, or failed on, and how many there are in all."""
    with store.read() as connection:
        rows = connection.execute(
            f"{_READ} select query_id, coalesce(reason <> '', true) from read order by query_id", _values(run, read)
        ).fetchall()
    return [query_id for query_id, is_unread in rows if is_unread], len(rows)


def judged_answers(store: Store, run: Run, read: ReadRun) -> list[JudgedAnswer] | None:
    """Return the answers to a run's queries, failures included; None unless each of them was read."""
    with store.read() as connection:
        rows = connection.execute(
            f"{_READ} select query_id, passages, answer, reason, truncated, expected from read order by query_id",
            _values(run, read),
        ).fetchall()
    if any(row[2] is None for row in rows):
        return None
    return [
        JudgedAnswer(Answer(read.reader, query_id, tuple(passage_ids), answer, reason, truncated), tuple(references))
        for query_id, passage_ids, answer, reason, truncated, references in rows
    ]


def readings(store: Store, run: Run, depth: int, query_ids: Collection[str]) -> list[Reading]:
    """Return the queries of a run, each with its first passages, best first."""
    with store.read() as connection:
        rows: list[tuple[str, str]] = connection.execute(
            """
            select query_id, passage_id from hits semi join (select unnest($ids) as query_id) using (query_id)
            where run = $run and rank <= $depth order by query_id, rank
            """,
            {"run": run.run, "depth": depth, "ids": list(query_ids)},
        ).fetchall()
    texts = {passage.passage_id: passage for passage in passages(store, {passage_id for _, passage_id in rows})}
    first: dict[str, list[str]] = {}
    for query_id, passage_id in rows:
        first.setdefault(query_id, []).append(passage_id)
    asked = {query.query_id: query for query in queries(store, ids=query_ids)}
    return [
        Reading(
            Group(asked[query_id], tuple(texts[one] for one in first.get(query_id, ()) if one in texts)),
            tuple(first.get(query_id, ())),
        )
        for query_id in query_ids
    ]


def _values(run: Run, read: ReadRun) -> dict[str, str | int | None]:
    # No limit is a limit of all there can be: DuckDB binds no null there.
    return {
        "run": run.run, "split": run.split, "reader": read.reader, "depth": read.depth,
        "queries": 2**62 if read.queries is None else read.queries,
    }  # fmt: skip
