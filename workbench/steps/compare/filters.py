"""The queries of a comparison as one list, by measure or by rank_similarity, and which of them to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from workbench.errors import BadSetting
from workbench.steps.compare.diff import Delta, Diff
from workbench.steps.compare.rank_similarity import RankSimilarityResult


class ComparedQuery(NamedTuple):
    """One query of two runs: `delta` where it is judged, the rank similarity's `value` where one was asked for."""

    query_id: str
    text: str
    delta: Delta | None
    value: float | None
    missing: str = ""
    tags: tuple[str, ...] = ()

    @property
    def direction(self) -> str:
        """Return "better", "worse" or "same"; "" if the query is not judged."""
        return self.delta.direction if self.delta else ""

    @property
    def told(self) -> str:
        """Return what happened to it, in words: a run without a ranking is not a run that found nothing relevant."""
        went = {"": "not judged", "same": "the same"}.get(self.direction, self.direction)
        lacks = {"before": "no ranking before", "after": "no ranking after", "both": "no ranking in either"}
        return ", ".join(filter(None, (went, lacks.get(self.missing, ""))))


def compared_queries(diff: Diff | None, rank_similarity: RankSimilarityResult | None = None) -> list[ComparedQuery]:
    """Return every query, the most changed first: by the rank_similarity if there is one, else by the measure."""
    deltas = {delta.query_id: delta for delta in diff.deltas} if diff else {}
    if rank_similarity:
        rows = [
            ComparedQuery(
                found.query_id, found.text, deltas.pop(found.query_id, None), found.value, found.missing, found.tags
            )
            for found in rank_similarity.rows
        ]
        # Judged, and answered by neither run: a rank_similarity has nothing to say of them, and they are still there.
        return rows + [_judged(left) for left in deltas.values()]
    ordered = sorted(deltas.values(), key=lambda delta: (-abs(delta.change), delta.change, delta.query_id))
    return [_judged(delta) for delta in ordered]


def _judged(delta: Delta) -> ComparedQuery:
    return ComparedQuery(delta.query_id, delta.text, delta, None, delta.missing, delta.tags)


@dataclass(frozen=True)
class Filters:
    """Which queries to look at; what is empty or 0 leaves nothing out. Lengths are in words of the query."""

    only: str = ""
    words: str = ""
    first_word: str = ""
    min_length: int = 0
    max_length: int = 0
    tag: str = ""

    def __post_init__(self) -> None:
        if self.only not in ("", "worse", "better", "same"):
            raise BadSetting(f"Queries cannot be filtered by {self.only!r}.", "Choose worse, better or same.")
        if self.max_length and self.max_length < self.min_length:
            raise BadSetting(
                f"No query has at least {self.min_length} and at most {self.max_length} words.",
                "Let the greatest length be no less than the least.",
            )

    @property
    def in_words(self) -> str:
        """Return which queries are left, in words; "" if all are."""
        lengths = filter(
            None,
            (
                f"at least {self.min_length} words" if self.min_length else "",
                f"at most {self.max_length} words" if self.max_length else "",
            ),
        )
        said = (
            "the same" if self.only == "same" else self.only,
            f"with “{self.words}”" if self.words else "",
            f"beginning with “{self.first_word}”" if self.first_word else "",
            f"tagged “{self.tag}”" if self.tag else "",
            " and ".join(lengths),
        )
        return ", ".join(filter(None, said))


def filtered(rows: Iterable[ComparedQuery], filters: Filters) -> list[ComparedQuery]:
    """Return the rows that pass, in their order; `only` leaves out what nobody has judged."""
    sought, first, tag = (each.strip().casefold() for each in (filters.words, filters.first_word, filters.tag))
    kept = []
    for row in rows:
        words = row.text.split()
        if (
            (not filters.only or row.direction == filters.only)
            and sought in f"{row.text} {row.query_id}".casefold()
            and (not first or first_word(row.text) == first)
            and (not tag or tag in (each.casefold() for each in row.tags))
            and filters.min_length <= len(words) <= (filters.max_length or len(words))
        ):
            kept.append(row)
    return kept


def first_word(text: str) -> str:
    """Return the first word of a query, in small letters and without signs around it; "" if there is none."""
    words = text.split()
    return words[0].strip(".,;:!?\"'()[]«»“”„").casefold() if words else ""
