"""Regions of similarity against utility: which queries have candidate pairs there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.records import Run
from workbench.store.views.scored.pairs import pair_values
from workbench.store.views.thresholds import useful_above_sql

if TYPE_CHECKING:
    from workbench.store.store import Store


class Region(NamedTuple):
    """A rectangle of similarity (cosine) against utility (the teacher's unit): the least and the most of each.

    It reads `0.1:0.5:-1:2` as text: similarities 0.1 to 0.5, utilities -1 to 2.
    """

    similarity: tuple[float, float]
    utility: tuple[float, float]

    def __str__(self) -> str:
        return ":".join(f"{edge:.7g}" for edge in (*self.similarity, *self.utility))

    @classmethod
    def parse(cls, text: str) -> Region | None:
        """Return the region that a text names, or None."""
        try:
            low, high, least, most = map(float, text.split(":"))
        except ValueError:
            return None
        return cls((low, high), (least, most)) if low <= high and least <= most else None


def quadrant_pairs(store: Store, teacher: str, run: Run, *, useful: bool, near: bool) -> dict[str, int]:
    """Return query_id -> its pairs in a quadrant: `useful` in the teacher's unit or not, `near` the student or far.

    Near is the median similarity of all pairs, and above.
    """
    with pair_values(store, teacher, run) as (connection, pairs):
        rows: list[tuple[str, int]] = connection.execute(
            f"""
            with parted as (
                select query_id, utility > {useful_above_sql("coalesce(unit, 'unknown')", "0.0")} as useful,
                       similarity >= median(similarity) over () as near
                from {pairs} left join (select unit from teachers where teacher = $teacher) on true
            )
            select query_id, count(*) from parted where useful = $useful and near = $near
            group by query_id order by query_id
            """,
            {"teacher": teacher, "useful": useful, "near": near},
        ).fetchall()
    return dict(rows)


def region_pairs(store: Store, teacher: str, run: Run, region: Region) -> dict[str, int]:
    """Return query_id -> its pairs within a region of similarity against utility, edges included."""
    with pair_values(store, teacher, run) as (connection, pairs):
        rows: list[tuple[str, int]] = connection.execute(
            f"""
            select query_id, count(*) from {pairs}
            where similarity between $low and $high and utility between $least and $most
            group by query_id order by query_id
            """,
            dict(zip(("low", "high", "least", "most"), (*region.similarity, *region.utility), strict=True)),
        ).fetchall()
    return dict(rows)
