"""Which of the queries that a teacher has scored are measured: all of a few, of many an even sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.store.store import Store

MOST_QUERIES = 2_000  # the intervals of twice as many are 0.7 times as wide


class DrawnQueries(NamedTuple):
    """The ids of the queries that are measured, in order, and how many they were drawn from."""

    query_ids: list[str]
    of: int

    @property
    def in_words(self) -> str:
        """Return that the queries are a sample; "" where they are all."""
        if len(self.query_ids) == self.of:
            return ""
        return f"Measured on {len(self.query_ids):,} of the {self.of:,} queries that it has scored, drawn evenly."


def must_measure_some(queries: int) -> None:
    """Raise BadSetting for a number of queries of which nothing can be measured."""
    if queries < 1:
        raise BadSetting(f"The number of queries to measure is {queries:,}.", "Choose 1 or more.")


def drawn_queries(
    store: Store, teachers: Sequence[str], split: str | None = None, queries: int = MOST_QUERIES
) -> DrawnQueries:
    """Return `queries` of those of a split or of all that each of the teachers has scored, or all if there are no more.

    Which ones depends on nothing but their ids.
    """
    with store.read() as connection:
        rows = connection.execute(
            """
            with scored as (
                select query_id from (select distinct query_id, teacher from utilities)
                semi join (select query_id from queries where $split is null or split = $split) using (query_id)
                where list_contains($teachers, teacher)
                group by query_id having count(*) = len(list_distinct($teachers))
            )
            select query_id, (select count(*) from scored) from (from scored order by md5(query_id) limit $queries)
            order by query_id
            """,
            {"teachers": list(teachers), "split": split, "queries": queries},
        ).fetchall()
    return DrawnQueries([query_id for query_id, _ in rows], rows[0][1] if rows else 0)


# The table `measured` of these ids, for a statement that has them as $query_ids.
MEASURED = "measured as (select unnest($query_ids::varchar[]) as query_id)"
