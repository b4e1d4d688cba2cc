"""The list of queries on the diff page: what orders it, what narrows it, and which query is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench import plots
from workbench.evaluation.rank_similarity import NAMES
from workbench.records import NO_TEXT, stale_in_words
from workbench.steps.compare.diff import Diff
from workbench.steps.compare.filters import ComparedQuery, Filters, filtered
from workbench.steps.compare.rank_similarity import RankSimilarityResult
from workbench.store import Store
from workbench.ui.shell import cache, components, pickers, tables
from workbench.ui.shell.pickers import ChosenRuns

BY_MEASURE = "change"
ANY = "any"
LONG = 9  # words: the middle length of the sample's queries is near it


@dataclass(frozen=True)
class QueryList:
    """The queries left by `filters`, the most different first, and the rank similarity that orders them, if any."""

    rows: Sequence[ComparedQuery]
    filters: Filters
    rank_similarity: RankSimilarityResult | None

    @property
    def by(self) -> str:
        """Return what orders the queries."""
        return self.rank_similarity.by if self.rank_similarity else BY_MEASURE


def narrowed(store: Store, chosen: ChosenRuns, diff: Diff | None) -> QueryList:
    """Let a person order the queries and narrow them down."""
    tags = [counts.tag for counts in cache.tags(store, chosen.split)]
    columns = components.columns("pickers-list", [1] * (4 if tags else 3))
    with columns[0]:
        by = _order(diff)
    similarity = None if by == BY_MEASURE else cache.rank_similarity(store, *chosen.students, by, chosen.split)
    queries, first_words = cache.compared(
        store, chosen.students, chosen.measure if diff else "", chosen.split, "" if by == BY_MEASURE else by
    )
    with columns[1]:
        first = pickers.select("First word", [ANY, *first_words], "first", ANY)
    with columns[2]:
        lengths = {ANY: (0, 0), f"up to {LONG} words": (0, LONG), f"over {LONG} words": (LONG + 1, 0)}
        length = lengths[pickers.select("Length", list(lengths), "length", ANY)]
    tag = ANY
    if tags:
        with columns[3]:
            tag = pickers.select("Tag", [ANY, *(name for name in tags if name != ANY)], "tag", ANY)
    if similarity:
        _rank_similarity(similarity, picture=diff is None)
    only, words = _only_and_words(diff, queries)
    filters = Filters(only, words, "" if first == ANY else first, *length, "" if tag == ANY else tag)
    return QueryList(filtered(queries, filters), filters, similarity)


def select_query(queries: QueryList, version: str) -> str | None:
    """Show the queries with what happened to each; return the one that is open."""
    if not queries.rows:
        components.remark("No query passes this filter.")
        return None
    ids = [row.query_id for row in queries.rows]
    tables.unknown(ids, "query", "query")
    query_id = tables.select_row(
        ids,
        lambda at: _cells(queries.rows[at], queries.by),
        "query",
        f"{version}-{queries.by}-{len(ids)}-{ids[0]}-{ids[-1]}",
        query=TextColumn(width="large"),
        before=NumberColumn(format="%.3f"),
        after=NumberColumn(format="%.3f"),
        change=NumberColumn(format="%+.3f"),
        **{name: NumberColumn(format="%.3f") for name in NAMES},
    )
    if query_id:
        tables.steps(ids, query_id, "query")
    return query_id


def _cells(row: ComparedQuery, by: str) -> dict[str, object]:
    value = {} if by == BY_MEASURE else {by: row.value}
    delta = row.delta
    values = {"before": delta.before, "after": delta.after, "change": delta.change} if delta else {}
    # What orders the list comes first: a narrow screen shows little beside the query.
    first = {"change": values.pop("change")} if by == BY_MEASURE and values else value
    return {**first, "query": row.text or f"{row.query_id} ({NO_TEXT})", "outcome": row.in_words, **values}


def _order(diff: Diff | None) -> str:
    options = [BY_MEASURE, *NAMES] if diff else list(NAMES)
    meaning = f"{BY_MEASURE}: of the measure. The others compare the two rankings themselves and need no judgements."
    return pickers.select("Most different by", options, "by", BY_MEASURE if diff else "RBO", meaning)


def _rank_similarity(similarity: RankSimilarityResult, *, picture: bool) -> None:
    if picture:
        for name in similarity.stale:
            components.stale(stale_in_words(name))
        components.picture(
            plots.rank_similarities(similarity), "rank-similarities", "How many queries have which value"
        )
    components.remark(f"{similarity.in_words} {similarity.by}: {similarity.meaning}.")


def _only_and_words(diff: Diff | None, queries: Sequence[ComparedQuery]) -> tuple[str, str]:
    only = "all"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if diff:
            counts = {"all": len(queries), "worse": diff.losses, "better": diff.wins, "the same": diff.ties}
            if diff.unseen:
                counts["unseen"] = diff.unseen.unseen
            options = {name: f"{name} ({number:,})" for name, number in counts.items()}
            only = pickers.segment("Filter", options, "show", "all")
        words = tables.search("words")
    return {"all": "", "the same": "same"}.get(only, only), words
