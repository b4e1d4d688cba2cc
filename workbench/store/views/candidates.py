"""Questions about candidates: which passages were proposed for a query, and by whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from workbench.store.views.collection import queries_by
from workbench.store.views.judged import relevance_level
from workbench.store.views.scored.teacher_names import asked_teachers

if TYPE_CHECKING:
    from workbench.store.store import Store


class ProposalCounts(NamedTuple):
    """Of the queries that are trained on, those that a student proposed candidates for, and those with all scored."""

    queries: int
    proposed: int
    scored: int


def candidates_of(store: Store, split: str, ids: Collection[str] | None = None) -> dict[str, list[str]]:
    """Return query_id -> its candidates' passage ids, for a split; with `ids`, for just those of its queries."""
    with store.read() as connection:
        rows: list[tuple[str, list[str]]] = connection.execute(
            """
            select query_id, list(distinct passage_id order by passage_id) from candidates
            semi join (
                select query_id from queries
                where split = $split and ($ids is null or query_id in (select unnest($ids::varchar[])))
            ) using (query_id) group by query_id
            """,
            {"split": split, "ids": None if ids is None else list(ids)},
        ).fetchall()
    return dict(rows)


def candidate_sources(store: Store, split: str) -> dict[str, int]:
    """Return source -> for how many queries of a split it proposed candidates: students, "bm25" and "qrels"."""
    return queries_by(store, "candidates", "source", split)


def proposals_scored(store: Store, sources: Sequence[str], teacher: str, split: str) -> ProposalCounts:
    """Count the queries of a split that a teacher has scored; what it, or its sources, failed to score counts too.

    `sources` are the names of the student that proposed the candidates.
    """
    asked = """
        select query_id, passage_id from utilities where teacher = $teacher
        union select query_id, passage_id from failures where list_contains($asked, teacher)
    """
    return _counts(
        store,
        "select distinct query_id from utilities where teacher = $teacher",
        asked,
        {"sources": list(sources), "teacher": teacher, "split": split, "asked": list(asked_teachers(teacher))},
    )


def proposals_judged(store: Store, sources: Sequence[str], split: str) -> ProposalCounts:
    """Count the queries of a split with a relevant passage; qrels score every candidate, with 0 where there is none."""
    return _counts(
        store,
        "select distinct query_id from qrels where relevance >= $relevance",
        "select query_id, passage_id from candidates where list_contains($sources, source)",
        {"sources": list(sources), "split": split} | relevance_level(store),
    )


def _counts(store: Store, trained_on: str, scored: str, values: dict[str, object]) -> ProposalCounts:
    """Return the counts for queries and pairs that two selections give."""
    with store.read() as connection:
        row = connection.execute(
            f"""
            with trained_on as (
                select query_id from ({trained_on}) semi join (select query_id from queries where split = $split)
                using (query_id)
            ),
            proposals as (
                select query_id, count(*) as pairs, count(scored.passage_id) as scored
                from (select distinct query_id, passage_id from candidates where list_contains($sources, source))
                semi join trained_on using (query_id)
                left join (select distinct * from ({scored})) scored using (query_id, passage_id)
                group by query_id
            )
            select (select count(*) from trained_on), count(*), count(*) filter (pairs = scored) from proposals
            """,
            values,
        ).fetchone()
    assert row is not None
    return ProposalCounts(*row)
