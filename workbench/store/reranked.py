"""Re-ranked runs: a run's hits in a teacher's order, made and stored by the database itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.records import Run
    from workbench.store.store import Store


def add_reranked(store: Store, run: Run, first_stage: Run, teacher: str, depth: int) -> None:
    """Add a run of another one's hits, the first `depth` of each query in a teacher's order, the rest as it is.

    What the teacher could not score follows what it scored; both where they are equal in the first stage's order.
    Utilities and its similarities have no common scale, so that 1 / rank stands in the similarity's place.
    """
    with store.transaction() as connection:
        store.add_run(run, ())
        connection.execute(
            """
            insert into hits select $run, query_id, passage_id, place, 1 / place from (
                select query_id, passage_id, (
                    row_number() over (partition by query_id order by value desc nulls last, rank)
                )::integer as place
                from (select query_id, passage_id, rank from hits where run = $first_stage and rank <= $depth)
                left join (select query_id, passage_id, value from utilities where teacher = $teacher)
                     using (query_id, passage_id)
                union all
                select query_id, passage_id, rank from hits where run = $first_stage and rank > $depth
            ) order by query_id, place
            """,
            {"run": run.run, "first_stage": first_stage.run, "teacher": teacher, "depth": depth},
        )
