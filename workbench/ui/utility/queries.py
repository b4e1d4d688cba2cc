"""The queries where teacher and student disagree, and one of them opened."""

from __future__ import annotations

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench import plots
from workbench.html.cards import card, column, placed_card, question
from workbench.plots.look import AFTER, TEACHER
from workbench.records import NO_TEXT
from workbench.results import counted
from workbench.store import Store
from workbench.store.views import Disagreement, Region
from workbench.ui.shell import cache, components, navigation, pickers, tables
from workbench.ui.shell.pickers import Pair
from workbench.ui.utility import softmaxes

DEPTH = 10  # passages of an opened query on each side
REGION = "region"  # of the address: the part of the picture of all pairs that is looked at
# Of the pairs of utility and similarity: a label, whether they are useful, whether they are near.
QUADRANTS = {
    "all": ("All queries", True, True),
    "missed": ("Helps, far", True, False),
    "agreed": ("Helps, near", True, True),
    "misled": ("Does not help, near", False, True),
    "left": ("Does not help, far", False, False),
}


def listed(store: Store, pair: Pair) -> tuple[str, str]:
    """List the queries by the student's regret, and let a person open one; return its id and the words searched for."""
    quadrant = pickers.segment("Quadrant", {name: label for name, (label, *_) in QUADRANTS.items()}, "quadrant", "all")
    words = tables.search("words")
    rows = cache.disagreements(store, *pair)
    if quadrant != "all":
        _, useful, near = QUADRANTS[quadrant]
        inside = cache.quadrant_pairs(store, *pair, useful=useful, near=near)
        rows = [row for row in rows if row.query_id in inside]
        components.remark(
            f"{counted(len(rows), 'query')} with {counted(sum(inside.values()), 'pair')} there; "
            "near is the median similarity and above."
        )
    if region := Region.parse(st.query_params.get(REGION, "")):
        inside = cache.region_pairs(store, *pair, region)
        rows = [row for row in rows if row.query_id in inside]
        _region(region, len(rows), sum(inside.values()))
    rows = tables.matching(rows, words)
    ids = [row.query_id for row in rows]
    if not ids:
        return "", words
    tables.unknown(ids, "query", "query")
    in_unit = components.in_unit(cache.teacher_unit(store, pair.teacher))
    query_id = tables.select_row(
        ids,
        lambda at: _cells(rows[at]),
        "query",
        f"{pair.teacher}-{pair.run.run}-{store.revision()}-{quadrant}-{region}-{words}",
        query=TextColumn(width="large"),
        **{
            "best utility": NumberColumn(format="%+.2f", help=f"Of the most useful passage{in_unit}."),
            "student ranks it": NumberColumn(format="%d", help="The student's rank of the most useful passage."),
            "regret": NumberColumn(
                format="%.2f", help=f"Best utility less that of the student's first passage{in_unit}."
            ),
        },
    )
    if query_id:
        tables.steps(ids, query_id, "query")
    return query_id or "", words


def _region(region: Region, queries: int, pairs: int) -> None:
    """Say which region of the picture is looked at, and let a person leave it."""
    (low, high), (least, most) = region
    with st.container(horizontal=True, vertical_alignment="center"):
        components.remark(
            f"{counted(queries, 'query')} with {counted(pairs, 'pair')} of similarity "
            f"{low:.3g} to {high:.3g} and utility {least:+.3g} to {most:+.3g}."
        )
        st.button("All regions", icon=":material/close:", on_click=_leave_region)


def _leave_region() -> None:
    st.query_params.pop(REGION, None)


def _cells(row: Disagreement) -> dict[str, object]:
    # What orders the list comes first: a narrow screen shows little beside the query.
    return {
        "regret": row.regret,
        "query": row.text or f"{row.query_id} ({NO_TEXT})",
        "best utility": row.best,
        "student ranks it": row.rank,
        "candidates": row.candidates,
    }


def opened(store: Store, pair: Pair, query_id: str, before: str) -> None:
    """Open one query: the teacher's order beside the student's, and the likelihoods behind the utilities."""
    query = cache.query(store, query_id)
    components.html_block(question(query))
    ranked = cache.ranking(store, query_id, run=pair.run, teacher=pair.teacher, depth=1_000)
    scored = sorted(
        (passage for passage in ranked if passage.utility is not None),
        key=lambda passage: (-(passage.utility or 0), passage.passage_id),
    )
    unit = cache.teacher_unit(store, pair.teacher)
    components.picture(plots.opened(scored, unit), "opened", "Utility and similarity of each candidate of the query")
    components.remark("★ marks a relevant passage; the number beside a dot is the student's rank.")
    if any(passage.rank for passage in scored):
        softmaxes.panel(store, pair, query_id, before)
    components.legend()
    left, right = components.columns("two-orders", [1, 1])
    with left:
        cards = [card(placed_card(passage, unit=unit), query) for passage in scored[:DEPTH]]
        heading = "Most useful to the teacher, with the student's rank"
        components.html_block(column(heading, pair.teacher, TEACHER, cards, "Nothing was scored."))
    with right:
        cards = [card(placed_card(passage, unit=unit), query) for passage in ranked[:DEPTH]]
        heading = "Nearest to the student"
        components.html_block(column(heading, pair.run.student, AFTER, cards, "The student ranks nothing here."))
    _likelihoods(store, pair.teacher, query_id)
    navigation.link("diff", "This query in Diff", query=query_id, split=pair.run.split, teacher=pair.teacher)


def _likelihoods(store: Store, teacher: str, query_id: str) -> None:
    with st.expander("Likelihoods of the answers behind the utilities", icon=":material/functions:"):
        rows = [
            {
                "passage": utility.passage_id,
                "answer": answer.answer,
                "tokens": answer.tokens,
                "log p with the passage": answer.with_passage,
                "without": answer.without_passage,
                "gain per token": answer.log_perplexity_reduction,
                "utility": utility.value,
                "truncated": utility.truncated,
            }
            for utility in cache.utilities(store, teacher, query_id)
            for answer in utility.answers
        ]
        if rows:
            components.table(rows, "likelihoods", "Likelihood of each answer with and without each passage")
            components.remark(
                "Natural logarithms, summed over the answer's tokens. The utility is the best answer's gain; "
                "“truncated” counts passage tokens the teacher could not read."
            )
        else:
            components.remark("This teacher gives utilities without likelihoods.")
        for failure in cache.failures(store, teacher, query_id):
            components.remark(f"Not scored: {failure.passage_id}, because {failure.reason}")
