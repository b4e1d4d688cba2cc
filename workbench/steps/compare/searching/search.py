"""Search: what BM25, students and a teacher that re-ranks find for a query, side by side and timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from workbench.errors import BadSetting, WorkbenchError
from workbench.records import Group, Passage, Query, Utility
from workbench.retrieval.searcher import Searcher
from workbench.steps.compare.ranking.rerank import Reranking
from workbench.steps.compare.searching.indexes import searcher
from workbench.steps.compare.searching.results import SearchHit, SearchRanking, SearchResult, SearchTimes, movement
from workbench.store import Store, views
from workbench.teachers import Teacher, needs_answers

LOOKED_AT = 50  # passages of a ranking in which it is looked for where a passage came from


class Reranker(NamedTuple):
    """A teacher that is prepared, and how many of the first passages it puts in order."""

    teacher: Teacher
    depth: int = 20


class _Order(NamedTuple):
    """A ranking before texts and qrels are known: passages with their scores, best first."""

    ranker: str
    unit: str
    times: SearchTimes
    scores: dict[str, float | None]
    against: str = ""
    problem: str = ""


def search(
    store: Store,
    query: str | Query,
    students: Sequence[str],
    teacher: Teacher | None = None,
    depth: int = 10,
    rerank_depth: int = 20,
) -> SearchResult:
    """Search the passages for one query by several students, and let a teacher re-rank what the first one finds.

    Nothing is added to the workspace but the indexes that are lacking, which are kept until passages or weights
    change. Every ranking is timed warm: models are loaded, indexes open, and the query was asked before.

    Parameters
    ----------
    store : Store
        The workspace.
    query : str or Query
        A text; or a query of the workspace, whose relevant passages are marked and whose reference answers a teacher
        may read.
    students : sequence of str
        Students by name, "bm25" among them if you like.
    teacher : Teacher, optional
        Who re-ranks, as `wb.teacher` makes one.
    depth : int
        How many passages of each ranking are returned.
    rerank_depth : int
        How many of the first student's passages the teacher puts in order.

    Returns
    -------
    SearchResult
        The rankings, each with its times and with where its passages moved.

    Raises
    ------
    BadSetting
        The query is empty, no student is named, or a depth is below 1.
    NothingToDo
        There are no passages.
    ModelUnavailable
        A model cannot be loaded.

    Examples
    --------
    >>> result = wb.search(store, "question3 of the", ["bm25", base], depth=3)
    >>> [ranking.ranker for ranking in result.rankings] == ["bm25", base]
    True
    >>> result.to_frame()["rank"].tolist()[-3:]
    [1, 2, 3]
    """
    if min(depth, rerank_depth) < 1:
        raise BadSetting(f"A depth is {min(depth, rerank_depth)}.", "Ask for at least one passage.")
    asked = checked_query(query, students)
    searchers = [searcher(store, name) for name in dict.fromkeys(students)]
    if teacher:
        teacher.prepare(views.stream_passages(store))
    return search_with(store, asked, searchers, Reranker(teacher, rerank_depth) if teacher else None, depth)


def checked_query(query: str | Query, students: Sequence[str]) -> Query:
    """Return what is asked as a query, without an id if it is a text; raises BadSetting if it or the students lack."""
    asked = query if isinstance(query, Query) else Query("", query)
    if not asked.text.strip():
        raise BadSetting("The query is empty.", "Ask with a word at least.")
    if not students:
        raise BadSetting("No student is named to search with.", "Name one, such as bm25.")
    return asked


def search_with(
    store: Store, query: Query, searchers: Sequence[Searcher], reranker: Reranker | None = None, depth: int = 10
) -> SearchResult:
    """Return the rankings of searchers that are open, and of a teacher that is prepared."""
    looked_at = max(depth, LOOKED_AT, reranker.depth if reranker else 0)
    orders: list[_Order] = []
    for one in searchers:
        orders.append(_searched(one, query, looked_at, orders[-1].ranker if orders else ""))
    if reranker:
        orders.append(_reranked(store, query, orders[0], reranker))
    shown = {passage_id for order in orders for passage_id in list(order.scores)[:depth]}
    texts = {passage.passage_id: passage for passage in views.passages(store, shown)}
    judged = views.judged_passages(store, query.query_id) if query.query_id else {}
    by_name = {order.ranker: order for order in orders}
    rankings = tuple(_ranking(order, by_name.get(order.against), depth, texts, judged) for order in orders)
    return SearchResult(query, searchers[0].passages, rankings)


def _searched(one: Searcher, query: Query, depth: int, against: str) -> _Order:
    try:
        nearby = one.search(query.text, depth)
    except WorkbenchError as error:  # such as a query without a vector: the others can still be compared
        return _Order(one.name, one.unit, SearchTimes(), {}, against, f"{error.problem} {error.hint}".strip())
    problem = "" if nearby.hits else "No passage shares a word with the query."
    return _Order(one.name, one.unit, SearchTimes(nearby.encode, nearby.search), dict(nearby.hits), against, problem)


def _reranked(store: Store, query: Query, first: _Order, reranker: Reranker) -> _Order:
    """Return a teacher's order of a student's first passages; those that it could not score keep theirs, below."""
    teacher = reranker.teacher
    name = str(Reranking(teacher.name, reranker.depth, first.ranker))
    if needs_answers(teacher) and not query.answers:
        problem = "This teacher reads reference answers: it re-ranks only queries of the collection that have one."
        return _Order(name, teacher.unit, SearchTimes(), {}, first.ranker, problem)
    ids = list(first.scores)[: reranker.depth]
    texts = {passage.passage_id: passage for passage in views.passages(store, ids)}
    passages = tuple(texts[passage_id] for passage_id in ids if passage_id in texts)
    if not passages:
        return _Order(name, teacher.unit, SearchTimes(), {}, first.ranker, "There is nothing to re-rank.")
    list(teacher.utilities([Group(query, passages[:1])]))  # warm
    started = time.perf_counter()
    scored = [row for batch in teacher.utilities([Group(query, passages)]) for row in batch]
    milliseconds = 1_000 * (time.perf_counter() - started)
    values = {row.passage_id: row.value for row in scored if isinstance(row, Utility)}
    best = sorted(ids, key=lambda passage_id: (passage_id not in values, -values.get(passage_id, 0.0)))
    failed = len(ids) - len(values)
    problem = f"The teacher could not score {failed:,} of {len(ids):,} passages; they stand last." if failed else ""
    times = first.times._replace(rerank=milliseconds)
    return _Order(name, teacher.unit, times, {one: values.get(one) for one in best}, first.ranker, problem)


def _ranking(
    order: _Order,
    against: _Order | None,
    depth: int,
    texts: dict[str, Passage],
    judged: dict[str, views.Judged],
) -> SearchRanking:
    before = {passage_id: rank for rank, passage_id in enumerate(against.scores, start=1)} if against else {}
    hits = []
    for rank, (passage_id, score) in enumerate(list(order.scores.items())[:depth], start=1):
        grade = judged.get(passage_id)
        passage = texts.get(passage_id)
        hits.append(
            SearchHit(
                passage_id=passage_id,
                rank=rank,
                score=score,
                movement=movement(rank, before.get(passage_id)) if before else "",
                relevance=grade.relevance if grade else None,
                relevant=bool(grade and grade.relevant),
                title=passage.title if passage else "",
                text=passage.text if passage else "",
            )
        )
    return SearchRanking(order.ranker, order.unit, order.times, tuple(hits), order.against, order.problem)
