"""How far two runs' orders of a query's scored passages are from the teacher's order, summed over the passages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.records import Run
from workbench.store.database.changes import Part
from workbench.store.kept import kept_rows

if TYPE_CHECKING:
    from workbench.store.store import Store

# As `evaluation.displacement` has it for one query: equal utilities share their places, and what a run leaves out
# counts as the one behind the last that it ranks.
_SUMS = """
    with ranked as materialized (
        select query_id from (select distinct query_id from hits where run = $after)
        semi join (select distinct query_id from utilities where teacher = $teacher) using (query_id)
        semi join (select query_id from queries where split = $split) using (query_id)
        order by md5(query_id) limit $queries
    ), scored as (
        select query_id, passage_id, value, before.rank as before, after.rank as after
        from (from utilities semi join ranked using (query_id) where teacher = $teacher)
        left join (from hits semi join ranked using (query_id) where run = $before) before using (query_id, passage_id)
        left join (from hits semi join ranked using (query_id) where run = $after) after using (query_id, passage_id)
    ), placed as (
        select query_id, rank() over (partition by query_id order by value desc) as first,
               first + count(*) over (partition by query_id, value) - 1 as last,
               count(before) over q as known_before, count(after) over q as known_after,
               if(before is null, known_before + 1, row_number() over (q order by before, passage_id)) as place_before,
               if(after is null, known_after + 1, row_number() over (q order by after, passage_id)) as place_after
        from scored window q as (partition by query_id)
    )
    select query_id, sum(greatest(first - place_before, place_before - last, 0))::bigint as before,
           sum(greatest(first - place_after, place_after - last, 0))::bigint as after
    from placed group by query_id having any_value(known_before) > 0 and any_value(known_after) > 0
"""


def displacement_sums(
    store: Store, teacher: str, runs: tuple[Run, Run], queries: int | None = None
) -> list[tuple[str, int, int]]:
    """Return query_id, and the distance in places from the teacher's order before and after, of what both runs rank.

    With `queries`, of an even sample of so many, the same one each time.
    """
    before, after = runs
    values = {"teacher": teacher, "before": before.run, "after": after.run, "split": after.split, "queries": queries}
    parts = [Part("utilities", teacher), Part("hits", before.run), Part("hits", after.run)]
    with kept_rows(store, "displacement", _SUMS, values, parts=parts) as (connection, sums):
        return connection.execute(f"from {sums} order by query_id").fetchall()
