"""All rows of a kind in the order of their queries, of which those of some queries are in memory at a time.

The database is closed between two parts, so that others can write meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.records import AnswerLikelihood, Qrel, Query, Run, Utility
from workbench.store.collection import HAS_TEXT
from workbench.store.views.runs import rankings

if TYPE_CHECKING:
    from workbench.store.store import Store

ROWS_AT_ONCE = 50_000  # of a part of several queries, of which the last may have more

_OF_SPLIT = "(select query_id, text from queries where $split is null or split = $split) asked"
_WITH_TEXT = f"(select query_id from queries where ($split is null or split = $split) and {HAS_TEXT['queries']})"


class Rating(NamedTuple):
    """A qrel as tools see it that know a query by its text alone; `shared` where other queries of it have that text."""

    text: str
    passage_id: str
    relevance: int
    shared: bool


def stream_queries(store: Store) -> Iterator[Query]:
    """Yield all queries by id, also those of which no more is known."""
    statement = "select query_id, text, answers, split, tags from queries where {between} order by query_id"
    for query_id, text, answers, split, tags in _streamed(store, "from queries", statement, {}):
        yield Query(query_id, text, tuple(answers), split, tuple(tags))


def stream_qrels(store: Store, split: str | None = None) -> Iterator[Qrel]:
    """Yield the qrels of a split's queries, or all."""
    rows = f"from qrels semi join {_OF_SPLIT} using (query_id)"
    statement = f"select query_id, passage_id, relevance {rows} where {{between}} order by query_id, passage_id"
    for row in _streamed(store, rows, statement, {"split": split}):
        yield Qrel(*row)


def stream_ratings(store: Store, split: str) -> Iterator[Rating]:
    """Yield the qrels of a split's queries with the queries' texts, empty where no more than the id is known."""
    rows = f"from qrels join {_OF_SPLIT} using (query_id)"
    shared = f"select text from {_OF_SPLIT} where text <> '' group by text having count(*) > 1"
    statement = f"""
        select text, passage_id, relevance, text in ({shared}) {rows} where {{between}} order by query_id, passage_id
    """
    for row in _streamed(store, rows, statement, {"split": split}):
        yield Rating(*row)


def stream_utilities(store: Store, teacher: str, split: str | None = None) -> Iterator[Utility]:
    """Yield a teacher's utilities with the likelihoods behind them, of a split's queries or all; best first of each."""
    rows = f"from (from utilities where teacher = $teacher) semi join {_WITH_TEXT} using (query_id)"
    statement = f"""
        select query_id, passage_id, teacher, value, answers, truncated {rows} where {{between}}
        order by query_id, value desc, passage_id
    """
    for row in _streamed(store, rows, statement, {"teacher": teacher, "split": split}):
        query_id, passage_id, name, value, answers, truncated = row
        likelihoods = tuple(AnswerLikelihood(**answer) for answer in answers)
        yield Utility(query_id, passage_id, name, value, likelihoods, truncated)


def stream_rankings(store: Store, run: Run) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """Yield the `rankings` of a run, query by query."""
    for between in parts_of(store, "from hits where run = $run", {"run": run.run}):
        yield from rankings(store, run, between).items()


def _streamed(store: Store, rows: str, statement: str, values: Mapping[str, object]) -> Iterator[tuple[Any, ...]]:
    """Yield what a statement selects of the queries `{between}` two, part by part of the `rows` that it reads."""
    for first, last in parts_of(store, rows, values):
        with store.read() as connection:
            part = connection.execute(
                statement.format(between="query_id between $first and $last"), {**values, "first": first, "last": last}
            ).fetchall()
        yield from part


def parts_of(
    store: Store, rows: str, values: Mapping[str, object], at_once: int | None = None
) -> list[tuple[str, str]]:
    """Return the first and the last query of each part, whose rows are about so many, or those of one query."""
    with store.read() as connection:
        return connection.execute(
            f"""
            select min(query_id), max(query_id) from (
                select query_id, (sum(number) over (order by query_id) - 1) // $at_once as part
                from (select query_id, count(*) as number {rows} group by query_id)
            ) group by part order by part
            """,
            {**values, "at_once": at_once or ROWS_AT_ONCE},
        ).fetchall()
