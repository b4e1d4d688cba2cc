"""What the points of a projection can be coloured by: a value or a word for queries and passages, each in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from workbench.store.views.annotations import JUDGED, LAST, SOUND_ROWS

TAGS = 7  # the most frequent ones, which have a colour of their own


class ColourBy(NamedTuple):
    """What a colour stands for; `query` selects (kind, id, value, word), `needs` names the values that it binds.

    A number is a `value`, anything else a `word`; a text without a row has neither. The query may read the table
    `drawn` of (kind, id), where a row for every text would take long.
    """

    about: str
    query: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Colour:
    """What points are coloured by: `by` is one of COLOURS; `teacher`, `run` and `query_id` say whose values.

    With a `query_id`, utility and relevance are those to that query.
    """

    by: str = "kind"
    teacher: str = ""
    run: str = ""
    query_id: str = ""


_OF_PASSAGES = "select 'passage' as kind, passage_id as id"
_OF_QUERIES = "select 'query' as kind, query_id as id"
_DRAWN_QUERIES = "semi join (select id as query_id from drawn where kind = 'query') using (query_id)"
_DRAWN_PASSAGES = "semi join (select id as passage_id from drawn where kind = 'passage') using (passage_id)"

COLOURS: dict[str, ColourBy] = {
    "kind": ColourBy(
        "query or passage",
        f"{_OF_QUERIES}, null::double as value, 'query' as word from queries "
        f"union all {_OF_PASSAGES}, null, 'passage' from passages",
    ),
    "split": ColourBy(
        "the split of a query",
        f"{_OF_QUERIES}, null::double as value, if(split = '', 'no split', split) as word from queries",
    ),
    "tag": ColourBy(
        f"the most frequent tag of a query, of the {TAGS} most frequent ones",
        f"""
        {_OF_QUERIES}, null::double as value, coalesce(arg_max(frequent.tag, queries), 'other tags') as word
        from (select query_id, unnest(tags) as tag from queries)
        left join (
            select tag, count(*) as queries from (select unnest(tags) as tag from queries)
            group by tag order by queries desc, tag limit {TAGS}
        ) frequent using (tag) group by query_id
        """,
    ),
    "relevance": ColourBy(
        "whether a passage is relevant: to the chosen query, else to any",
        f"""
        {_OF_PASSAGES}, null::double as value,
            if(max(relevance) >= $relevance, 'relevant', 'judged, not relevant') as word
        from qrels where $query_id = '' or query_id = $query_id group by passage_id
        """,
        ("relevance", "query_id"),
    ),
    "utility": ColourBy(
        "the teacher's utility: to the chosen query, else the mean over the scored pairs of a text",
        f"""
        {_OF_PASSAGES}, avg(value) as value, null::varchar as word
        from utilities {_DRAWN_PASSAGES}
        where teacher = $teacher and ($query_id = '' or query_id = $query_id) group by passage_id
        union all
        {_OF_QUERIES}, avg(value), null
        from utilities {_DRAWN_QUERIES} where teacher = $teacher and $query_id = '' group by query_id
        """,
        ("teacher", "query_id"),
    ),
    "agreement": ColourBy(
        "how far the student orders a query's scored passages as the teacher does: Spearman's rank correlation",
        f"""
        {_OF_QUERIES}, corr(useful, near) as value, null::varchar as word from (
            select query_id,
                rank() over (partition by query_id order by value)
                    + count(*) over (partition by query_id, value) / 2 as useful,
                rank() over (partition by query_id order by similarity)
                    + count(*) over (partition by query_id, similarity) / 2 as near
            from utilities join hits using (query_id, passage_id) {_DRAWN_QUERIES}
            where teacher = $teacher and run = $run
        ) group by query_id having isfinite(corr(useful, near))
        """,
        ("teacher", "run"),
    ),
    "annotation": ColourBy(
        "the last verdict of a person on a pair of the text",
        f"""
        with last as (select * from (from {SOUND_ROWS} {LAST}) where {JUDGED})
        {_OF_PASSAGES}, null::double as value, arg_max(verdict, sequence) as word from last group by passage_id
        union all {_OF_QUERIES}, null, arg_max(verdict, sequence) from last group by query_id
        """,
    ),
}
