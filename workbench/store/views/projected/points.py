"""The points of a projection that are drawn, those around a query, and those in an area."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from workbench.errors import UnknownName
from workbench.store.arrow import registered
from workbench.store.kept import parquet_rows
from workbench.store.near_duplicates import TextKind
from workbench.store.views.judged import relevance_level
from workbench.store.views.projected.colours import COLOURS, Colour
from workbench.store.views.projected.texts import DRAWN, SampleSize, sample_size, sample_values

if TYPE_CHECKING:
    from workbench.store.store import Store

MOST_DRAWN = 20_000
TEXT_LETTERS = 70  # of a point's text: of 20,000 it is most of what goes to a browser
LISTED_LETTERS = 300  # of a text in a list
Corner = tuple[float, float]


class Point(NamedTuple):
    """A query or passage in a projection, with what colours it: a `value`, a `word`, or neither."""

    kind: str
    id: str
    x: float
    y: float
    text: str
    value: float | None = None
    word: str | None = None


class Points(NamedTuple):
    """The points that are drawn, and how many there are."""

    points: tuple[Point, ...]
    size: SampleSize


class QueryPoint(NamedTuple):
    """A point around a query: itself, a relevant passage, or one of the teacher's best; with its utility, if any."""

    kind: str
    id: str
    x: float
    y: float
    text: str
    relevant: bool
    utility: float | None


class Inside(NamedTuple):
    """A page of the texts of one kind in an area, and how many queries and passages lie there."""

    queries: int
    passages: int
    rows: tuple[Point, ...]


_TEXTS = """
    select 'query' as kind, query_id as id, text from queries
    union all select 'passage', passage_id, concat_ws('. ', nullif(title, ''), nullif(text, '')) from passages
"""


def drawn_points(store: Store, file: Path, colour: Colour | None = None, most: int = MOST_DRAWN) -> Points:
    """Return at most so many points of a projection: queries by split, and passages, relevant and others."""
    by, values = _colouring(store, colour or Colour())
    with store.read() as connection:
        size = sample_size(store, most)
        rows = connection.execute(
            f"""
            with drawn as ({DRAWN}), placed as (select * from {parquet_rows(file)} semi join drawn using (kind, id))
            select kind, id, x, y, left(text, {TEXT_LETTERS}), value, word
            from placed join ({_TEXTS}) using (kind, id) left join ({by}) colour using (kind, id)
            order by kind, id
            """,
            values | sample_values(store, size),
        ).fetchall()
    return Points(tuple(Point(*row) for row in rows), size)


def query_points(store: Store, file: Path, query_id: str, teacher: str, best: int = 5) -> list[QueryPoint]:
    """Return a query's point, then those of its relevant passages and of the teacher's best ones."""
    with store.read() as connection:
        rows = connection.execute(
            f"""
            with judged as (
                select passage_id, relevance >= $relevance as relevant from qrels where query_id = $query_id
            ),
            scored as (select passage_id, value from utilities where query_id = $query_id and teacher = $teacher),
            around as (
                select 'query' as kind, $query_id as id
                union select 'passage', passage_id from judged where relevant
                union (select 'passage', passage_id from scored order by value desc, passage_id limit $best)
            )
            select kind, id, x, y, left(text, {LISTED_LETTERS}), coalesce(relevant, false), value
            from around join {parquet_rows(file)} using (kind, id) join ({_TEXTS}) using (kind, id)
            left join judged on kind = 'passage' and id = judged.passage_id
            left join scored on kind = 'passage' and id = scored.passage_id
            order by kind desc, value desc nulls last, id
            """,
            {"query_id": query_id, "teacher": teacher, "best": best} | relevance_level(store),
        ).fetchall()
    return [QueryPoint(*row) for row in rows]


def texts_inside(
    store: Store, file: Path, corners: Sequence[Corner], kind: TextKind = "query", offset: int = 0, limit: int = 50
) -> Inside:
    """Return the texts of a projection in a polygon, drawn or not: `limit` of a kind from `offset`, by id.

    A point is inside if a ray from it crosses the sides an odd number of times.
    """
    starts = np.asarray(corners, np.float64).reshape(-1, 2)
    ends = np.roll(starts, -1, axis=0)
    columns = {"x1": starts[:, 0], "y1": starts[:, 1], "x2": ends[:, 0], "y2": ends[:, 1]}
    inside = f"""
        select kind, id, any_value(x) as x, any_value(y) as y
        from (
            from {parquet_rows(file)} where x between (select min(x1) from sides) and (select max(x1) from sides)
            and y between (select min(y1) from sides) and (select max(y1) from sides)
        ) join sides on (y1 > y) <> (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
        group by kind, id having count(*) % 2 = 1
    """
    with store.read() as connection, registered(connection, pa.table(columns), "sides"):
        counts = dict(connection.execute(f"select kind, count(*) from ({inside}) group by kind").fetchall())
        rows = connection.execute(
            f"""
            with page as (select * from ({inside}) where kind = $kind order by id limit $limit offset $offset)
            select kind, id, x, y, left(text, {LISTED_LETTERS}) from page join ({_TEXTS}) using (kind, id) order by id
            """,
            {"kind": kind, "limit": limit, "offset": offset},
        ).fetchall()
    return Inside(counts.get("query", 0), counts.get("passage", 0), tuple(Point(*row) for row in rows))


def _colouring(store: Store, colour: Colour) -> tuple[str, dict[str, object]]:
    """Return the query of a colour and the values that it binds."""
    if colour.by not in COLOURS:
        raise UnknownName("colour", colour.by, list(COLOURS))
    by = COLOURS[colour.by]
    values = {
        "teacher": colour.teacher, "run": colour.run, "query_id": colour.query_id, **relevance_level(store)
    }  # fmt: skip
    return by.query, {name: values[name] for name in by.needs}
