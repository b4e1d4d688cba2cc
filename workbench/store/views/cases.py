"""Hard cases: pairs that a named rule says are worth a person's minute; and what people said of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from workbench.records import Annotation, Run

if TYPE_CHECKING:
    from workbench.store.store import Store


@dataclass(frozen=True)
class Thresholds:
    """Where the rules draw their lines: utilities in the teacher's unit, ranks counted from 1."""

    useful: float = 0.5
    useless: float = 0.0
    far: int = 10
    near: int = 3


class HardCase(NamedTuple):
    """One pair, the rule that chose it, why in words, and how strongly (larger is worse)."""

    rule: str
    query_id: str
    passage_id: str
    why: str
    strength: float
    utility: float | None
    before: int | None
    after: int
    relevance: int | None


RULES = {
    "useful but far": "The teacher finds the passage useful; the student ranks it low.",
    "useless but near": "The teacher finds that the passage does not help; the student ranks it on top.",
    "got worse": "A relevant passage ranks lower after training than before.",
}

_CASES = """
    with pair as (
        select after.query_id, after.passage_id, u.value as utility, before.rank as before, after.rank as after,
               q.relevance
        from (select * from hits where run = $after) after
        left join (select * from hits where run = $before) before using (query_id, passage_id)
        left join (select * from utilities where teacher = $teacher) u using (query_id, passage_id)
        left join qrels q using (query_id, passage_id)
    ), best as (
        select query_id, arg_max(passage_id, (utility, passage_id)) as passage_id from pair
        where utility is not null group by query_id
    ), found as (
        select 'useful but far' as rule, pair.query_id, pair.passage_id,
               format('utility {:+.2f}, yet rank {}', utility, after) as why,
               utility * (1 - 1.0 / after) as strength, utility, before, after, relevance
        from pair semi join best using (query_id, passage_id) where utility >= $useful and after > $far
        union all
        select 'useless but near', query_id, passage_id, format('rank {}, yet utility {:+.2f}', after, utility),
               ($useless - utility + 1) / after, utility, before, after, relevance
        from pair where utility <= $useless and after <= $near and coalesce(relevance, 0) <= 0
        union all
        select 'got worse', query_id, passage_id,
               format('a relevant passage fell from rank {} to {}', before, after),
               1.0 / before - 1.0 / after, utility, before, after, relevance
        from pair where relevance > 0 and after > before
    )
"""

_LATEST = """
    qualify row_number() over (partition by query_id, passage_id, annotator order by created desc, rowid desc) = 1
"""


def hard_cases(
    store: Store, teacher: str, after: Run, before: Run | None = None, thresholds: Thresholds | None = None
) -> list[HardCase]:
    """Return the hard cases of a run, strongest first within each rule.

    "got worse" needs `before`; ranks below a run's depth are known for its candidates alone.
    """
    lines = thresholds or Thresholds()
    with store.read() as connection:
        rows = connection.execute(
            f"{_CASES} select * from found order by rule, strength desc, query_id, passage_id",
            {
                "teacher": teacher,
                "after": after.run,
                "before": before.run if before else "",
                "useful": lines.useful,
                "useless": lines.useless,
                "far": lines.far,
                "near": lines.near,
            },
        ).fetchall()
    return [HardCase(*row) for row in rows]


def verdicts(store: Store, *, latest: bool = False) -> list[Annotation]:
    """Return annotations, oldest first; `latest` keeps each annotator's last word on each pair."""
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select query_id, passage_id, annotator, verdict, note, rule, created from annotations
            {_LATEST if latest else ""} order by created, rowid
            """
        ).fetchall()
    return [said._replace(created=said.created.replace(tzinfo=UTC)) for said in (Annotation(*row) for row in rows)]


class AnnotatedCase(NamedTuple):
    """One annotation with all that stands behind it; `utilities` by teacher, `ranks` by student."""

    query_id: str
    query: str
    answers: list[str]
    split: str
    passage_id: str
    title: str
    text: str
    verdict: str
    annotator: str
    note: str
    rule: str
    created: str
    relevance: int | None
    utilities: dict[str, float]
    ranks: dict[str, int]


def annotated(store: Store, *, latest: bool = True) -> list[AnnotatedCase]:
    """Return the annotations with query, passage, utilities and ranks; by default each annotator's last word."""
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select a.query_id, queries.text, answers, queries.split, a.passage_id, title, passages.text,
                   verdict, annotator, note, rule, strftime(a.created, '%Y-%m-%dT%H:%M:%S.%fZ'), relevance,
                   coalesce(utilities, map {{}}), coalesce(ranks, map {{}})
            from (
                select *, rowid as turn from annotations {_LATEST if latest else ""}
            ) a join queries using (query_id) join passages using (passage_id)
            left join qrels using (query_id, passage_id)
            left join (
                select query_id, passage_id, map_from_entries(list((teacher, value) order by teacher)) as utilities
                from utilities group by all
            ) using (query_id, passage_id)
            left join (
                select query_id, passage_id, map_from_entries(list((student, rank) order by student)) as ranks
                from hits join runs using (run) group by all
            ) using (query_id, passage_id)
            order by a.created, turn
            """
        ).fetchall()
    return [AnnotatedCase(*row) for row in rows]
