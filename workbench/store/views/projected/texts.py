"""The texts that a projection places: by pages, and a stratified sample of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.store.collection import HAS_TEXT
from workbench.store.near_duplicates import TextKind, texts_fingerprint
from workbench.store.views.collection import collection_fingerprint
from workbench.store.views.judged import relevance_level
from workbench.store.workspace_settings import TITLE_JOINS, read_settings

if TYPE_CHECKING:
    from workbench.store.store import Store

TABLES: dict[TextKind, str] = {"query": "queries", "passage": "passages"}


class SampleSize(NamedTuple):
    """How many queries and passages there are with a text, and how many of each are drawn."""

    queries: int
    passages: int
    drawn_queries: int
    drawn_passages: int


# Each text with the stratum that it is drawn from: a query's split, and whether a passage is relevant to a query.
_STRATA = f"""
    select 'query' as kind, query_id as id, split as stratum from queries where {HAS_TEXT["queries"]}
    union all
    select 'passage', passage_id,
           if(passage_id in (select passage_id from qrels where relevance >= $relevance), 'relevant', 'other')
    from passages where {HAS_TEXT["passages"]}
"""
# So many of each kind, every stratum giving its share, the same ones each time: binds SAMPLE_VALUES.
DRAWN = f"""
    select kind, id from (
        select kind, id, row_number() over (partition by kind order by share, digest) as turn from (
            select kind, id, md5(id) as digest,
                   (row_number() over (partition by kind, stratum order by md5(id)) - 0.5)
                   / count(*) over (partition by kind, stratum) as share
            from ({_STRATA})
        )
    ) where turn <= if(kind = 'query', $drawn_queries, $drawn_passages)
"""


def text_page(store: Store, kind: TextKind, after: str, limit: int) -> list[tuple[str, str]]:
    """Return the next `limit` texts by id, each with its id and as models read it; the first ones after an empty id."""
    name, title = f"{kind}_id", "title" if kind == "passage" else "''"
    with store.read() as connection:
        return connection.execute(
            f"""
            select {name}, concat_ws($join, nullif({title}, ''), nullif(text, '')) from {TABLES[kind]}
            where {name} > $after and {HAS_TEXT[TABLES[kind]]} order by {name} limit $limit
            """,
            {"join": TITLE_JOINS[read_settings(connection).title_join], "after": after, "limit": limit},
        ).fetchall()


def all_texts_fingerprint(store: Store) -> str:
    """Return hex digits that change when the text of any query or passage does."""
    return f"{collection_fingerprint(store)}{texts_fingerprint(store, 'query'):016x}"


def sample_size(store: Store, most: int) -> SampleSize:
    """Return how many texts are drawn where there may be so many: half of them queries, as far as there are such."""
    with store.read() as connection:
        queries, passages = (
            int(connection.execute(f"select count(*) from {table} where {HAS_TEXT[table]}").fetchall()[0][0])
            for table in ("queries", "passages")
        )
    drawn_queries = min(queries, max(most // 2, most - passages))
    return SampleSize(queries, passages, drawn_queries, min(passages, most - drawn_queries))


def sample_values(store: Store, size: SampleSize) -> dict[str, object]:
    """Return what the statement DRAWN binds."""
    return {
        "drawn_queries": size.drawn_queries,
        "drawn_passages": size.drawn_passages,
        **relevance_level(store),
    }


def drawn_texts(store: Store, most: int) -> dict[TextKind, list[str]]:
    """Return the ids of at most so many texts by kind: queries by split, and passages, relevant and others."""
    with store.read() as connection:
        rows = connection.execute(
            f"select kind, list(id order by id) from ({DRAWN}) group by kind",
            sample_values(store, sample_size(store, most)),
        ).fetchall()
    ids: dict[TextKind, list[str]] = dict(rows)
    return {kind: ids.get(kind, []) for kind in TABLES}
