"""Keep query: a query that someone has typed becomes one of the workspace, to be annotated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import ClassVar, NamedTuple

from workbench.errors import UnknownName
from workbench.records import SPLITS, Candidate, Hit, Query, Run
from workbench.results import Result, counted
from workbench.retrieval.searcher import Searcher
from workbench.steps.compare.searching.indexes import searcher
from workbench.steps.compare.searching.search import checked_query
from workbench.store import Store, views

PREFIX = "searched-"
RUN_DEPTH = 100  # as `evaluate` ranks
MOST_RANKED = 200  # queries without a split that are ranked anew with one more


class _Ranking(NamedTuple):
    """Hits of a query to be added to a run, or, if it `is_whole`, all of a run's."""

    run: Run
    hits: list[Hit]
    is_whole: bool


@dataclass(frozen=True)
class KeptQuery(Result):
    """The query that was kept, or was there already, and the passages that were proposed for it.

    `ranked_by` are the students whose runs of the query's split have it now: there it can be annotated.
    """

    columns: ClassVar = {
        "query_id": "the query",
        "split": "its split; empty without one",
        "added": "candidates that were not there before",
        "ranked_by": "students whose runs of the split rank it",
    }

    query: Query
    is_new: bool
    added: int
    ranked_by: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """Return what was kept, and where."""
        split = f"in {self.query.split}" if self.query.split else "without a split"
        words = f"{'Kept as' if self.is_new else 'The workspace has it as'} query {self.query.query_id}, {split}"
        ranked = f"ranked by {', '.join(self.ranked_by)}" if self.ranked_by else "ranked by no run yet"
        return f"{words}, {counted(self.added, 'candidate')} added; {ranked}."

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return one row."""
        return [(self.query.query_id, self.query.split, self.added, ", ".join(self.ranked_by))]


def keep_query(store: Store, text: str, students: Sequence[str], split: str = "", depth: int = 20) -> KeptQuery:
    """Keep a text as a query of the workspace, with what students find for it as candidates and in their runs.

    A text that is a query already stays that query. It joins those of the students' runs of its split that are of
    today's passages. Without a split it changes no measure, and such runs are made where there are none, if no more
    than 200 queries are without one.

    Parameters
    ----------
    store : Store
        The workspace.
    text : str
        The query's text.
    students : sequence of str
        Who proposes passages, "bm25" among them if you like.
    split : str
        "train", "dev" or "test"; none unless given.
    depth : int
        How many passages each of them proposes.

    Returns
    -------
    KeptQuery
        The query with its id, and which runs rank it.

    Raises
    ------
    BadSetting
        The text is empty, or no student is named.
    UnknownName
        There is no such split.
    NothingToDo
        There are no passages.

    Examples
    --------
    >>> kept = wb.keep_query(store, "Where is answer3?", ["bm25"], depth=3)
    >>> kept.is_new, kept.added, kept.ranked_by
    (True, 3, ('bm25',))
    >>> wb.keep_query(store, "Where is answer3?", ["bm25"]).is_new
    False
    """
    checked_query(text, students)
    searchers = [searcher(store, name) for name in dict.fromkeys(students)]
    return keep_with(store, text, searchers, split, depth)


def keep_with(store: Store, text: str, searchers: Sequence[Searcher], split: str = "", depth: int = 20) -> KeptQuery:
    """Do the same by searchers that are open."""
    must_be_split(split)
    known = views.query_of_text(store, text)
    query = views.query(store, known) if known is not None else Query(_new_id(store, text), text, (), split)
    proposed = [
        Candidate(query.query_id, passage_id, one.name, rank)
        for one in searchers
        for rank, (passage_id, _) in enumerate(one.search(text, depth).hits, start=1)
    ]
    rankings = [ranking for one in searchers if (ranking := _ranking(store, query, one))]
    with store.transaction():
        if known is None:
            store.add_collection([query])
        added = store.add_candidates(proposed)
        for run, hits, is_whole in rankings:
            if is_whole:
                store.add_run(run, hits)
            else:
                store.add_hits(hits)
    return KeptQuery(query, known is None, added, tuple(ranking.run.student for ranking in rankings))


def must_be_split(split: str) -> None:
    """Raise UnknownName unless a split is "", or one that training and measuring know."""
    if split not in ("", *SPLITS):
        raise UnknownName("split", split, list(SPLITS))


def _new_id(store: Store, text: str) -> str:
    """Return an id that the workspace does not have, made of the text."""
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    names = (f"{PREFIX}{digest[:8]}{f'-{number}' if number else ''}" for number in count())
    return next(name for name in names if not views.queries(store, ids=[name], known_by_id=True))


def _ranking(store: Store, query: Query, one: Searcher) -> _Ranking | None:
    """Return the hits of a query for the run of its split; None where there is no run of today's passages to join.

    Where few queries are without a split, their run is made: of all of them, as one of some would pass for it.
    """
    run = next((run for run in views.runs(store, query.split) if run.student == one.name), None)
    collection = views.collection_fingerprint(store)
    if run and not run.imported and not run.is_stale(collection):
        return _Ranking(run, [] if views.hits(store, run, [query.query_id]) else _hits(run, query, one), False)
    others = [] if query.split else [other for other in views.queries(store, "") if other.query_id != query.query_id]
    if query.split or (run and run.imported) or len(others) >= MOST_RANKED:
        return None
    made = Run(f"{one.name}@", one.name, "", RUN_DEPTH, collection, datetime.now(UTC))
    return _Ranking(made, [hit for other in (*others, query) for hit in _hits(made, other, one)], True)


def _hits(run: Run, query: Query, one: Searcher) -> list[Hit]:
    nearby = one.search(query.text, run.depth)
    return [
        Hit(run.run, query.query_id, passage_id, rank, similarity)
        for rank, (passage_id, similarity) in enumerate(nearby.hits, start=1)
    ]
