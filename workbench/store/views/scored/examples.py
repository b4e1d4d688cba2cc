"""Examples, what students learn from: scored or judged queries with their passages, read in parts of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from workbench.columns.examples import Examples, Lists
from workbench.columns.passages import STRING, rows_of
from workbench.columns.texts import Contents
from workbench.errors import NothingToDo
from workbench.store.arrow import registered
from workbench.store.views.collection import queries
from workbench.store.views.passage_file import all_passages
from workbench.store.views.scored.teacher_names import hint_to_fill
from workbench.store.workspace_settings import settings_of

if TYPE_CHECKING:
    from workbench.store.store import Store

QUERIES_AT_ONCE = 4_000
# Of the queries of a `part`, by their numbers: their utilities, every passage that is a candidate or has a qrel, once,
# and with these their relevance, which is 0 of a candidate without a qrel, as in a measure. Where a table lies in the
# order of its queries, a range of them is read ten times as fast.
_OF_PART = "join part using (query_id) where query_id between $first and $last"
_UTILITIES = f"select number, passage_id, value from utilities {_OF_PART} and teacher = $teacher"
_KNOWN = f"""
    select number, query_id, passage_id from candidates {_OF_PART}
    union select number, query_id, passage_id from qrels {_OF_PART}
"""
_RELEVANCES = f"""
    select number, passage_id, coalesce(relevance, 0)::double as value
    from ({_KNOWN}) left join qrels using (query_id, passage_id)
"""


def examples(store: Store, teacher: str, split: str) -> Examples:
    """Return the scored queries of a split with their passages, best first: what a student learns from."""
    scored = _examples(store, split, _Pairs(_UTILITIES, {"teacher": teacher}))
    if not scored:
        raise NothingToDo(f"{teacher} has scored no query of the {split} split.", hint_to_fill(teacher, split))
    return scored


def examples_of_qrels(store: Store, split: str) -> Examples:
    """Return the queries of a split that have a relevant passage, with relevance in a utility's place, best first.

    Candidates without a qrel count as 0, as in a measure; judged passages that are no candidates join them. What is
    known by id only is left out.
    """
    judged = _examples(store, split, _Pairs(_RELEVANCES, {}))
    level = settings_of(store).relevance
    relevant = [number for number, relevances in enumerate(judged.utilities) if relevances[0] >= level]
    if not relevant:
        raise NothingToDo(
            f"No query of the {split} split has a relevant passage.",
            f"Give some queries the split {split}, with qrels, or learn from a teacher.",
        )
    return judged.at(relevant)


class _Pairs(NamedTuple):
    """What selects the pairs of a part by the numbers of its queries, with a value each, and what it binds."""

    statement: str
    values: Mapping[str, object]


def _examples(store: Store, split: str, pairs: _Pairs) -> Examples:
    """Return the queries of a split that have pairs, with these and all that is known of each, read part by part."""
    # Tags teach nothing: what is learned from must not look different because of them.
    asked = [query._replace(tags=()) for query in queries(store, split)]
    collection = all_passages(store)
    ids = collection.ids
    by_id: dict[str, int] = {}  # the rows of ids that come after the collection's
    kinds = {"rows": np.int32, "utilities": np.float64, "known": np.int32}
    columns = {name: [Lists.of((), kind)] for name, kind in kinds.items()}
    for start in range(0, len(asked), QUERIES_AT_ONCE):
        part = asked[start : start + QUERIES_AT_ONCE]
        scored, known = _read(store, [query.query_id for query in part], pairs)
        rows = rows_of(scored["passage_id"], ids)
        has_text = rows >= 0
        numbers = scored["number"].to_numpy()[has_text]
        utilities = scored["value"].to_numpy()[has_text]
        columns["rows"].append(Lists.grouped(numbers, rows[has_text].astype(np.int32), len(part)))
        columns["utilities"].append(Lists.grouped(numbers, utilities, len(part)))
        rows = rows_of(known["passage_id"], ids)
        for place in np.flatnonzero(rows < 0).tolist():
            rows[place] = by_id.setdefault(known["passage_id"][place].as_py(), len(ids) + len(by_id))
        columns["known"].append(Lists.grouped(known["number"].to_numpy(), rows.astype(np.int32), len(part)))
    whole = Examples(
        queries=asked,
        contents=Contents(collection),
        ids=pa.concat_arrays([ids, pa.array(by_id, STRING)]),
        collection=len(collection),
        **{name: Lists.joined(parts) for name, parts in columns.items()},
    )
    with_passages = np.flatnonzero(whole.rows.lengths)
    return whole if len(with_passages) == len(whole) else whole.at(with_passages.tolist())


def _read(store: Store, query_ids: Sequence[str], pairs: _Pairs) -> tuple[pa.Table, pa.Table]:
    """Return the pairs of some queries, best first, and what is known of these; each by the query's number.

    Of a query without candidates and qrels, what is scored is known.
    """
    part = pa.table({"query_id": pa.array(query_ids, pa.string()), "number": np.arange(len(query_ids))})
    ends = {"first": query_ids[0], "last": query_ids[-1]}
    with store.read() as connection, registered(connection, part, "part"):
        connection.execute(f"create or replace temp table scored as {pairs.statement}", {**pairs.values, **ends})
        scored = connection.sql("from scored order by number, value desc, passage_id").to_arrow_table()
        known = connection.sql(
            f"""
            with known as materialized (select number, passage_id from ({_KNOWN}))
            from known union all by name
            select number, passage_id from scored anti join known using (number) order by number
            """,
            params=ends,
        ).to_arrow_table()
        connection.execute("drop table scored")
    return scored, known
