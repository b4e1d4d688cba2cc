"""Rows of the workspace as pandas frames, read by DuckDB straight into their columns."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from workbench.records import Run
from workbench.store.views.annotations import COLUMNS, JUDGED, LAST, SOUND_ROWS

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store.store import Store


def utilities_frame(
    store: Store, teacher: str | None = None, split: str | None = None, query_id: str | None = None
) -> pd.DataFrame:
    """Return the utilities of a teacher or all, query by query, the highest of each first."""
    return _frame(
        store,
        """
        select query_id, passage_id, split, teacher, coalesce(unit, 'unknown') as unit, value, truncated, relevance
        from utilities join queries using (query_id) left join teachers using (teacher)
        left join qrels using (query_id, passage_id)
        where ($teacher is null or teacher = $teacher) and ($split is null or split = $split)
              and ($query is null or query_id = $query)
        order by query_id, teacher, value desc, passage_id
        """,
        {"teacher": teacher, "split": split, "query": query_id},
        whole=("relevance",),
    )


def hits_frame(store: Store, run: Run, depth: int, query_id: str | None = None) -> pd.DataFrame:
    """Return the hits of a run down to a rank, query by query."""
    return _frame(
        store,
        """
        select $student as student, $split as split, query_id, passage_id, rank, similarity, relevance
        from hits left join qrels using (query_id, passage_id)
        where run = $run and rank <= $depth and ($query is null or query_id = $query)
        order by query_id, rank, passage_id
        """,
        {"student": run.student, "split": run.split, "run": run.run, "depth": depth, "query": query_id},
        whole=("relevance",),
    )


def queries_frame(store: Store, split: str | None = None, tag: str | None = None) -> pd.DataFrame:
    """Return the queries of a split and a tag, or all, by id."""
    return _frame(
        store,
        """
        select query_id, text, answers, split, tags from queries
        where ($split is null or split = $split) and ($tag is null or list_contains(tags, $tag)) order by query_id
        """,
        {"split": split, "tag": tag},
        lists=("answers", "tags"),
    )


def passages_frame(store: Store, ids: Collection[str] | None = None) -> pd.DataFrame:
    """Return the passages of these ids or all, by id."""
    return _frame(
        store,
        """
        select passage_id, title, text from passages
        where $ids is null or passage_id in (select unnest($ids::varchar[])) order by passage_id
        """,
        {"ids": None if ids is None else list(ids)},
    )


def annotations_frame(
    store: Store, annotator: str | None = None, split: str | None = None, *, latest: bool = True
) -> pd.DataFrame:
    """Return the annotations of an annotator or all, oldest first; `latest` keeps last words that are verdicts."""
    last = f"select * from (from {SOUND_ROWS} {LAST}) where {JUDGED}"
    frame = _frame(
        store,
        f"""
        select {COLUMNS}, split from ({last if latest else f"from {SOUND_ROWS}"})
        join (select query_id, split from queries) using (query_id)
        where ($annotator is null or annotator = $annotator) and ($split is null or split = $split)
        order by sequence
        """,
        {"annotator": annotator, "split": split},
        whole=("grade",),
        lists=("tags",),
    )
    frame["created"] = frame["created"].dt.tz_localize("UTC")
    return frame


def _frame(
    store: Store, query: str, values: dict[str, Any], whole: Collection[str] = (), lists: Collection[str] = ()
) -> pd.DataFrame:
    """Return what a query selects; `whole` numbers may be missing, `lists` become tuples."""
    with store.read() as connection:
        frame = connection.execute(query, values).df()
    for name in lists:
        frame[name] = frame[name].map(tuple).astype(object)
    # Without rows, DuckDB does not say that a column is of text.
    texts = [name for name in frame if name not in lists and frame[name].dtype == object]
    return frame.astype({**dict.fromkeys(whole, "Int64"), **dict.fromkeys(texts, "str")})
