"""What a search returns: rankings of one query side by side, with where a passage moved, and their times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from workbench.records import Query
from workbench.results import Result, counted


class SearchHit(NamedTuple):
    """One passage of a ranking.

    `score` is a similarity, or a teacher's utility, None of a passage that it could not score; `movement` says where
    it comes from in the ranking that this one is compared with. `relevance` is None where nobody has judged it.
    """

    passage_id: str
    rank: int
    score: float | None
    movement: str
    relevance: int | None
    relevant: bool
    title: str
    text: str


class SearchTimes(NamedTuple):
    """Milliseconds that a ranking took: to encode the query, to search, and to re-rank; None where there is no such."""

    encode: float | None = None
    search: float | None = None
    rerank: float | None = None

    @property
    def total(self) -> float:
        """Return all of them together."""
        return sum(time or 0.0 for time in self)

    @property
    def in_words(self) -> str:
        """Return each of them by its name."""
        parts = [f"{name} {time:,.1f} ms" for name, time in zip(self._fields, self, strict=True) if time is not None]
        return ", ".join(parts)


@dataclass(frozen=True)
class SearchRanking:
    """The first passages of a student, or of a teacher that re-ranks what a student found.

    `unit` is that of the scores. Movements are from the ranking `against`, "" for the first one. `problem` says why
    there is no ranking, or what is lacking in it.
    """

    ranker: str
    unit: str
    times: SearchTimes
    hits: tuple[SearchHit, ...]
    against: str = ""
    problem: str = ""

    @property
    def outcome(self) -> str:
        """Return its times, or why there is no ranking."""
        return self.times.in_words if self.hits else self.problem.rstrip(".")


@dataclass(frozen=True)
class SearchResult(Result):
    """What each student finds for one query, the query's text first; `passages` were searched."""

    columns: ClassVar = {
        "ranker": "the student, or rerank:TEACHER@DEPTH/STUDENT",
        "rank": "the passage's rank",
        "passage_id": "the passage",
        "title": "its title",
        "text": "its text",
        "score": "its similarity to the query, or its utility to the teacher",
        "unit": "the unit of the score",
        "movement": "where it comes from in the ranking before it; of a re-ranking, in what is re-ranked",
        "relevance": "its relevance, where the query is the collection's and it was judged",
        "milliseconds": "how long the ranking took for this query, warm",
    }

    query: Query
    passages: int
    rankings: tuple[SearchRanking, ...]

    @property
    def in_words(self) -> str:
        """Return who took how long, and how many passages all have among their first."""
        times = "; ".join(f"{ranking.ranker}: {ranking.outcome}" for ranking in self.rankings)
        words = f"{self.query.text!r} in {counted(self.passages, 'passage')}, timed warm: {times}."
        shown = [{hit.passage_id for hit in ranking.hits} for ranking in self.rankings if ranking.hits]
        if len(shown) > 1:
            words += f" {len(set.intersection(*shown)):,} of {len(set.union(*shown)):,} passages are in all rankings."
        return words

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each hit of each ranking."""
        return [
            (ranking.ranker, hit.rank, hit.passage_id, hit.title, hit.text, hit.score, ranking.unit, hit.movement,
             hit.relevance, ranking.times.total)
            for ranking in self.rankings for hit in ranking.hits
        ]  # fmt: skip


def movement(rank: int, before: int | None) -> str:
    """Return where a passage comes from, in words; `before` is None where it was not among the passages looked at."""
    if before is None:
        return "new"
    if before == rank:
        return "stays"
    return f"{'up' if rank < before else 'down'} {abs(before - rank)}"
