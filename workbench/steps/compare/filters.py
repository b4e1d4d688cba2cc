"""The queries of a comparison as one list, by measure or by rank similarity, and which of them to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from workbench.errors import BadSetting
from workbench.steps.compare.diff import Delta, Diff
from workbench.steps.compare.rank_similarity import RankSimilarityResult

FIRST_WORDS = 30  # offered to filter by


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
    def seen(self) -> bool:
        """Return whether train has seen it; one that is not judged is not said to be unseen."""
        return not self.delta or self.delta.seen

    @property
    def in_words(self) -> str:
        """Return how it changed, in words: a run without a ranking is not a run that ranked nothing relevant."""
        change = {"": "not judged", "same": "the same"}.get(self.direction, self.direction)
        lacking = {"before": "no ranking before", "after": "no ranking after", "both": "no ranking in either"}
        return ", ".join(filter(None, (change, lacking.get(self.missing, ""))))


def compared_queries(diff: Diff | None, rank_similarity: RankSimilarityResult | None = None) -> list[ComparedQuery]:
    """Return every query of a comparison, the most changed first.

    Parameters
    ----------
    diff : Diff or None
        The comparison by a measure, if any query is judged.
    rank_similarity : RankSimilarityResult, optional
        The comparison of the rankings, which then orders the queries.

    Returns
    -------
    list of ComparedQuery
        One row a query, with its difference on the measure and its rank similarity, as far as there are.

    Raises
    ------
    BadSetting
        Neither is given.

    Examples
    --------
    >>> rows = wb.compared_queries(wb.diff(store, base, "student"))
    >>> len(rows)
    8
    >>> rows[0].direction in ("better", "worse", "same")
    True
    """
    if diff is None and rank_similarity is None:
        raise BadSetting("There is nothing to list.", "Give a diff, a rank similarity, or both.")
    deltas = {delta.query_id: delta for delta in diff.deltas} if diff else {}
    if rank_similarity:
        rows = [
            ComparedQuery(row.query_id, row.text, deltas.pop(row.query_id, None), row.value, row.missing, row.tags)
            for row in rank_similarity.rows
        ]
        # Judged, and ranked by neither run: they have no rank similarity, and are listed all the same.
        return rows + [_judged(delta) for delta in deltas.values()]
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
        if self.only not in ("", "worse", "better", "same", "unseen"):
            raise BadSetting(f"Queries cannot be filtered by {self.only!r}.", "Choose worse, better, same or unseen.")
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
        parts = (
            {"same": "the same", "unseen": "not seen in train"}.get(self.only, self.only),
            f"with “{self.words}”" if self.words else "",
            f"beginning with “{self.first_word}”" if self.first_word else "",
            f"tagged “{self.tag}”" if self.tag else "",
            " and ".join(lengths),
        )
        return ", ".join(filter(None, parts))


def filtered(rows: Iterable[ComparedQuery], filters: Filters) -> list[ComparedQuery]:
    """Return the rows that pass the filters, in their order.

    Parameters
    ----------
    rows : iterable of ComparedQuery
        The queries, such as those of `compared_queries`.
    filters : Filters
        Which of them to keep; `only` leaves out what nobody has judged.

    Returns
    -------
    list of ComparedQuery
        The rows left.

    Raises
    ------
    BadSetting
        From `Filters`, for a filter that cannot work.

    Examples
    --------
    >>> rows = wb.compared_queries(wb.diff(store, base, "student"))
    >>> wb.filtered(rows, wb.Filters(first_word="nosuchword"))
    []
    >>> len(wb.filtered(rows, wb.Filters(min_length=1)))
    8
    """
    if filters == Filters():
        return list(rows)
    sought, first, tag = (text.strip().casefold() for text in (filters.words, filters.first_word, filters.tag))
    passing = []
    for row in rows:
        words = row.text.split()
        if (
            filters.only in ("", row.direction, "seen" if row.seen else "unseen")
            and sought in f"{row.text} {row.query_id}".casefold()
            and (not first or first_word(row.text) == first)
            and (not tag or tag in (name.casefold() for name in row.tags))
            and filters.min_length <= len(words) <= (filters.max_length or len(words))
        ):
            passing.append(row)
    return passing


def first_word(text: str) -> str:
    """Return the first word of a query, in small letters and without signs around it; "" if there is none."""
    words = text.split()
    return words[0].strip(".,;:!?\"'()[]«»“”„").casefold() if words else ""


def frequent_first_words(rows: Iterable[ComparedQuery]) -> list[str]:
    """Return the first words that most queries have, the most frequent first."""
    counts = Counter(word for row in rows if (word := first_word(row.text)))
    return sorted(counts, key=lambda word: (-counts[word], word))[:FIRST_WORDS]
