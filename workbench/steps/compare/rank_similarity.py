"""Contrast: how differently two runs rank each query, with judgements or without; and who moved toward the teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from workbench.errors import NothingToDo, UnknownName
from workbench.evaluation import NAMES, displacements, find_rank_similarity, overall_direction
from workbench.evaluation.significance import Interval, interval
from workbench.steps.compare.diff import missing_from, stale
from workbench.store import Store, views


class QueryRankSimilarity(NamedTuple):
    """One query in two runs: how alike they rank it; None where one run has no ranking or nothing can be said."""

    query_id: str
    text: str
    value: float | None
    missing: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class RankSimilarityResult:
    """Two runs contrasted `by` a name of `RANK_SIMILARITIES`, on every query that either of them answers.

    `rows`: most different first, then those without a value. `alike` is the value of equal rankings.
    """

    before: str
    after: str
    split: str
    by: str
    meaning: str
    alike: float
    rows: tuple[QueryRankSimilarity, ...]
    mean: Interval
    stale: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """Return the finding as one sentence."""
        same = sum(row.value is not None and abs(row.value - self.alike) < 1e-9 for row in self.rows)
        missing = sum(bool(row.missing) for row in self.rows)
        lacking = f"; {missing:,} have no ranking in one of the runs" if missing else ""
        unsaid = len(self.rows) - self.mean.n - missing
        silent = f"; for {unsaid:,} it cannot be said" if unsaid else ""
        return (
            f"{self.after} against {self.before} by {self.by}, {self.split}: mean {self.mean} over {self.mean.n:,} "
            f"queries, {same:,} of them the same{lacking}{silent}."
        )


def rank_similarity(
    store: Store, before: str, after: str, by: str = "RBO", split: str = "test"
) -> RankSimilarityResult:
    """Say how differently two runs rank each query; needs no qrels."""
    chosen = find_rank_similarity(by)
    if not chosen:
        raise UnknownName(
            "rank_similarity", by, list(NAMES), f"Known: {', '.join(NAMES)}; @k looks at the top k alone."
        )
    kind, depth = chosen
    first, second = views.find_run(store, before, split), views.find_run(store, after, split)
    rankings = views.rankings(store, first), views.rankings(store, second)
    asked = {query.query_id: query for query in views.queries(store, split)}
    rows = []
    for query_id in sorted(rankings[0].keys() | rankings[1].keys()):
        missing = missing_from(query_id, *rankings)
        value = None if missing else kind.measure(rankings[0][query_id], rankings[1][query_id], depth)
        text, tags = (asked[query_id].text, asked[query_id].tags) if query_id in asked else ("", ())
        rows.append(QueryRankSimilarity(query_id, text, value, missing, tags))
    return RankSimilarityResult(
        before=first.student,
        after=second.student,
        split=split,
        by=by,
        meaning=kind.meaning,
        alike=kind.alike,
        rows=tuple(sorted(rows, key=lambda row: (row.value is None, -_apart(row, kind.alike), row.query_id))),
        mean=interval([row.value for row in rows if row.value is not None]),
        stale=stale(store, first, second),
    )


def _apart(row: QueryRankSimilarity, alike: float) -> float:
    return abs(row.value - alike) if row.value is not None else 0.0


def is_rank_similarity(name: str) -> bool:
    """Return whether a name is a rank_similarity's, not a measure's."""
    return find_rank_similarity(name) is not None


@dataclass(frozen=True)
class DisplacementToTeacher:
    """Whether rankings moved toward a teacher's order; `words` by query, "" for neither way."""

    teacher: str
    words: dict[str, str]

    @property
    def in_words(self) -> str:
        """Return the finding as one sentence."""
        toward, away = (sum(word.startswith(way) for word in self.words.values()) for way in ("toward", "away"))
        return (
            f"Of {len(self.words):,} queries that {self.teacher} scored, {toward:,} moved toward its order, "
            f"{away:,} away from it, {len(self.words) - toward - away:,} neither way."
        )


def displacement_to_teacher(
    store: Store, before: str, after: str, teacher: str = "", split: str = "test"
) -> DisplacementToTeacher:
    """Say for each query that both runs answer whether its scored passages moved toward the teacher's places.

    By the sum of the distances in places (Spearman's footrule) between the teacher's order and the run's.
    """
    name = views.find_teacher(store, teacher)
    said = views.scored_orders(store, name, split)
    runs = [views.scored_orders(store, name, split, views.find_run(store, each, split)) for each in (before, after)]
    words = {
        query_id: overall_direction(
            displacements(dict(scored), [p for p, _ in runs[0][query_id]], [p for p, _ in runs[1][query_id]])
        )
        for query_id, scored in said.items()
        if query_id in runs[0] and query_id in runs[1]
    }
    if not words:
        raise NothingToDo(
            f"{name} has scored no query of the {split} split that both runs answer.",
            f"Run `workbench score --split {split}` with it first.",
        )
    return DisplacementToTeacher(name, words)


def query_displacements(store: Store, before: str, after: str, query_id: str, teacher: str) -> dict[str, str]:
    """Return passage_id -> "toward the teacher", "away from the teacher" or "", for one query's scored passages."""
    split = views.query(store, query_id).split
    runs = [views.find_run(store, each, split) for each in (before, after)]
    said = views.scored_orders(store, teacher, split, query_id=query_id).get(query_id, [])
    orders = [
        [passage for passage, _ in views.scored_orders(store, teacher, split, run, query_id).get(query_id, [])]
        for run in runs
    ]
    return (
        {pull.passage_id: pull.word for pull in displacements(dict(said), orders[0], orders[1])} if all(orders) else {}
    )
