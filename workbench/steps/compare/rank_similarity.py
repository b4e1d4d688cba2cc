"""How differently two runs rank each query, which needs no qrels; and which queries moved toward the teacher."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from workbench.errors import NothingToDo, UnknownName
from workbench.evaluation.displacement import Displacement, displacements
from workbench.evaluation.rank_similarity import NAMES, find_rank_similarity
from workbench.evaluation.significance import Interval, interval
from workbench.records import approximate_in_words
from workbench.results import Result
from workbench.steps.compare.diff import missing_from, stale
from workbench.store import Store, views
from workbench.store.views.scored.teacher_names import hint_to_fill


class QueryRankSimilarity(NamedTuple):
    """One query in two runs: how alike they rank it; None where one run has no ranking or it is undefined."""

    query_id: str
    text: str
    value: float | None
    missing: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class RankSimilarityResult(Result):
    """Two runs compared `by` a name of `RANK_SIMILARITIES`, on every query that either of them ranks.

    `rows`: most different first, then those without a value. `alike` is the value of equal rankings.
    """

    columns: ClassVar = {
        "by": "the rank similarity",
        "query_id": "the query; those ranked most differently come first",
        "text": "its text",
        "value": "how alike the runs rank it; missing where it is undefined",
        "missing": "which run has no ranking for it: before, after, both or none",
        "tags": "its tags",
    }

    before: str
    after: str
    split: str
    by: str
    meaning: str
    alike: float
    rows: tuple[QueryRankSimilarity, ...]
    mean: Interval
    stale: tuple[str, ...]
    approximate: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """Return the finding as one sentence."""
        same = sum(row.value is not None and abs(row.value - self.alike) < 1e-9 for row in self.rows)
        missing = sum(bool(row.missing) for row in self.rows)
        lacking = f"; {missing:,} have no ranking in one of the runs" if missing else ""
        undefined = len(self.rows) - self.mean.n - missing
        without = f"; for {undefined:,} it is undefined" if undefined else ""
        return (
            f"{self.after} against {self.before} by {self.by}, {self.split}: mean {self.mean} over {self.mean.n:,} "
            f"queries, {same:,} of them the same{lacking}{without}."
        ) + "".join(f" {sentence}" for sentence in self.approximate)

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each query, the most differently ranked first."""
        return [(self.by, *row) for row in self.rows]


def rank_similarity(
    store: Store, before: str, after: str, by: str = "RBO", split: str = "test"
) -> RankSimilarityResult:
    """Compare how two runs rank each query, without qrels.

    Parameters
    ----------
    store : Store
        The workspace.
    before, after : str
        Two students that were evaluated on the split.
    by : str
        The rank similarity: "tauAP", "RBO", "Jaccard@10" or "KL"; @k looks at the top k alone.
    split : str
        The split whose queries are compared.

    Returns
    -------
    RankSimilarityResult
        The value of every query, the most differently ranked first, and the mean with its interval.

    Raises
    ------
    UnknownName
        There is no such rank similarity.
    NothingToDo
        A student has no run on the split.

    Examples
    --------
    >>> wb.rank_similarity(store, "student", "student", by="Jaccard@10").mean.mean
    1.0
    >>> wb.rank_similarity(store, base, "student").to_frame().columns.tolist()
    ['by', 'query_id', 'text', 'value', 'missing', 'tags']
    """
    chosen = find_rank_similarity(by)
    if not chosen:
        raise UnknownName(
            "rank similarity", by, list(NAMES), f"Known: {', '.join(NAMES)}; @k looks at the top k alone."
        )
    kind, depth = chosen
    first, second = views.find_run(store, before, split), views.find_run(store, after, split)
    queries = {query.query_id: query for query in views.queries(store, split, known_by_id=True)}
    rows = []
    for rankings in views.rankings_of_two(store, first, second):
        for query_id in sorted(rankings[0].keys() | rankings[1].keys()):
            missing = missing_from(query_id, *rankings)
            value = None if missing else kind.measure(rankings[0][query_id], rankings[1][query_id], depth)
            text, tags = (queries[query_id].text, queries[query_id].tags) if query_id in queries else ("", ())
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
        approximate=approximate_in_words((first, second)),
    )


def _apart(row: QueryRankSimilarity, alike: float) -> float:
    return abs(row.value - alike) if row.value is not None else 0.0


def is_rank_similarity(name: str) -> bool:
    """Return whether a name is that of a rank similarity, not of a measure."""
    return find_rank_similarity(name) is not None


@dataclass(frozen=True)
class DisplacementToTeacher(Result):
    """Whether rankings moved toward a teacher's order; `words` by query, "" for neither way.

    The queries may be `sampled`, evenly, from more.
    """

    columns: ClassVar = {
        "query_id": "the query",
        "direction": "toward the teacher, away from the teacher, or neither",
    }

    teacher: str
    words: dict[str, str]
    sampled: bool = False

    @property
    def in_words(self) -> str:
        """Return the finding as one sentence."""
        toward, away = (sum(word.startswith(way) for word in self.words.values()) for way in ("toward", "away"))
        drawn = ", drawn evenly" if self.sampled else ""
        return (
            f"Of {len(self.words):,} queries that {self.teacher} scored{drawn}, {toward:,} moved toward its order, "
            f"{away:,} away from it, {len(self.words) - toward - away:,} neither way."
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each query."""
        return [(query_id, word or "neither") for query_id, word in self.words.items()]


def displacement_to_teacher(
    store: Store, before: str, after: str, teacher: str = "", split: str = "test", queries: int | None = None
) -> DisplacementToTeacher:
    """Return for each query that both runs rank whether its scored passages moved toward the teacher's order.

    By the sum of the distances in places (Spearman's footrule) between the teacher's order and the run's.

    Parameters
    ----------
    store : Store
        The workspace.
    before, after : str
        Two students that were evaluated on the split.
    teacher : str
        The teacher, by name or its beginning; the one with the most utilities unless given.
    split : str
        The split whose queries are compared.
    queries : int, optional
        How many of them, an even sample; all unless given.

    Returns
    -------
    DisplacementToTeacher
        The direction of every query.

    Raises
    ------
    UnknownName
        There is no such teacher.
    NothingToDo
        A student has no run on the split, or the teacher has scored none of its queries.

    Examples
    --------
    >>> moved = wb.displacement_to_teacher(store, base, "student")
    >>> len(moved.to_frame())
    8
    """
    name = views.find_teacher(store, teacher)
    runs = [views.find_run(store, run, split) for run in (before, after)]
    words = {
        query_id: Displacement("", *sums).word
        for query_id, *sums in views.displacement_sums(store, name, (runs[0], runs[1]), queries)
    }
    if not words:
        raise NothingToDo(
            f"{name} has scored no query of the {split} split that both runs rank.",
            hint_to_fill(name, split),
        )
    every = next((counts.queries for counts in views.counts(store).splits if counts.split == split), 0)
    return DisplacementToTeacher(name, words, sampled=queries is not None and every > queries)


def query_displacements(store: Store, before: str, after: str, query_id: str, teacher: str) -> dict[str, str]:
    """Return passage_id -> "toward the teacher", "away from the teacher" or "", for one query's scored passages."""
    split = views.query(store, query_id).split
    runs = [views.find_run(store, student, split) for student in (before, after)]
    utilities = dict(views.scored_orders(store, teacher, [query_id]).get(query_id, []))
    orders = [
        [passage for passage, _ in views.scored_orders(store, teacher, [query_id], run).get(query_id, [])]
        for run in runs
    ]
    if not all(orders):
        return {}
    return {one.passage_id: one.word for one in displacements(utilities, orders[0], orders[1])}
