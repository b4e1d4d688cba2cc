"""What comes after a search: the query is kept and opens in Annotate; one of the collection's opens elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.records import Query
from workbench.steps.compare.searching.indexes import KeptIndex
from workbench.steps.compare.searching.keep_query import keep_with
from workbench.steps.compare.searching.results import SearchResult
from workbench.store import Store, views
from workbench.students import BM25
from workbench.ui.search import searchers
from workbench.ui.shell import cache, components, navigation, next_step, pickers

SPLITS = (pickers.NO_SPLIT, "test")
NEAR = 10  # passages of a kept query that are put before a person


def offer(store: Store, result: SearchResult, indexes: Sequence[KeptIndex]) -> None:
    """Offer to keep a typed query, or the pages where one of the collection's can be looked at."""
    if result.query.query_id:
        _links(store, result.query)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.selectbox(
            "Split of the kept query", SPLITS, key="keep-split",
            help="Without a split it changes no measure. In test, its hits join the runs of test.",
        )  # fmt: skip
        if not st.button("Keep it as a query to annotate", key="keep", icon=":material/bookmark_add:"):
            return
    with st.spinner("Keeping the query and what was found …"):
        kept_query = keep_with(store, result.query.text, searchers.opened(indexes), pickers.split_of(shown))
    if kept_query.ranked_by:
        navigation.switch("annotate", **_in_annotate(store, kept_query.query, kept_query.ranked_by))
    st.query_params[pickers.QUERY] = kept_query.query.query_id
    st.rerun()


def _links(store: Store, query: Query) -> None:
    """Link to the pages that show a query of the collection, where runs rank it."""
    ranked = [run.student for run in cache.runs(store, query.split) if cache.hits(store, run, [query.query_id])]
    if not ranked:
        components.remark("No run ranks this query yet, so that it cannot be compared or annotated.")
        next_step.offer(store, ["evaluate", *_without_runs(store, query)] if query.split == "test" else ())
        return
    split = pickers.split_name(query.split)
    with st.container(horizontal=True):
        navigation.link("annotate", "Annotate it", **_in_annotate(store, query, ranked))
        if len(ranked) > 1:
            navigation.link("diff", "This query in Diff", query=query.query_id, split=split)
        if any(cache.utilities(store, one, query.query_id) for one in pickers.scoring_teachers(store)):
            navigation.link("utility", "This query in Utility", query=query.query_id, split=split)


def _without_runs(store: Store, query: Query) -> list[str]:
    return [run.student for run in cache.runs(store, query.split) if not run.imported] or [BM25]


def _in_annotate(store: Store, query: Query, ranked_by: Sequence[str]) -> dict[str, str]:
    """Return the choices by which Annotate opens with the first passage that a student finds for a query."""
    student = ranked_by[-1]
    hits = views.hits(store, views.find_run(store, student, query.split), [query.query_id])
    return {
        "student": student,
        "split": pickers.split_name(query.split),
        "rule": "unjudged but high",
        "unjudged": str(NEAR),
        "query": query.query_id,
        "passage": hits[0].passage_id if hits else "",
    }
