"""What utilities have to do with the reference answers: their length, and where in a passage they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.store.views.scored.drawn import MEASURED
from workbench.store.views.scored.health import RANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.store.store import Store


def answer_lengths(store: Store, teacher: str, query_ids: Sequence[str]) -> list[tuple[int, float]]:
    """Return the characters of the shortest reference answer, and the best utility, of those queries with answers."""
    with store.read() as connection:
        return connection.execute(
            f"""
            with {MEASURED}
            select list_min(list_transform(any_value(queries.answers), lambda a: len(a))) as characters, max(value)
            from queries join (from utilities semi join measured using (query_id) where teacher = $teacher) u
                 using (query_id)
            where len(queries.answers) > 0 group by query_id order by query_id
            """,
            {"teacher": teacher, "query_ids": query_ids},
        ).fetchall()


# A text as words one space apart, with one at either end, so that only whole words match.
_WORDS = r"' ' || trim(regexp_replace(lower({0}), '[^\pL\pN]+', ' ', 'g')) || ' '"
_SPACES = "(len({0}) - len(replace({0}, ' ', '')) - 1)"
# The first place of any answer in each scored passage that holds one, as the share of its words before it.
_PLACES = f"""
    with {MEASURED}, answers as (
        select distinct query_id, {_WORDS.format("answer")} as answer
        from (select query_id, unnest(answers) as answer from queries semi join measured using (query_id))
    ),
    scored as (
        select query_id, passage_id, value from utilities semi join answers using (query_id) where teacher = $teacher
    ),
    texts as (
        select passage_id, {_WORDS.format("title || ' ' || text")} as words
        from passages semi join scored using (passage_id)
    ),
    held as (
        select query_id, passage_id, any_value(value) as value, any_value(words) as words,
               min(instr(words, answer)) as place
        from scored join answers using (query_id) join texts using (passage_id)
        where len(answer) > 2 and contains(words, answer) group by query_id, passage_id
    ),
    placed as (
        -- A text of n words has n + 1 spaces, and k + 1 of them up to an answer that k words stand before.
        select query_id, value, {_SPACES.format("words[:place]")} / {_SPACES.format("words")} as share from held
    )
"""


def answer_places(store: Store, teacher: str, query_ids: Sequence[str]) -> list[float]:
    """Return the rank correlation of utility with the share of words before the answer, of those queries that have one.

    It is over the passages that hold an answer, as whole words, of queries with three or more of these.
    """
    with store.read() as connection:
        rows = connection.execute(
            f"""
            {_PLACES}, ranked as (
                select query_id, value, share, {RANK.format("value")} as value_rank,
                       {RANK.format("share")} as share_rank
                from placed window q as (partition by query_id)
            )
            select corr(value_rank, share_rank) from ranked group by query_id
            having count(*) > 2 and max(value) > min(value) and max(share) > min(share) order by query_id
            """,
            {"teacher": teacher, "query_ids": query_ids},
        ).fetchall()
    return [correlation for (correlation,) in rows]
