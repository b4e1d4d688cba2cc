"""One query opened: its passages as teacher and student see them, or before and after."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from workbench import plots
from workbench.html.cards import card, column, moved_card, placed_card, question, teacher_card, with_way
from workbench.plots.look import AFTER, BEFORE, TEACHER
from workbench.records import Query
from workbench.store import Store
from workbench.store.views import Moved
from workbench.ui.shell import cache, components, navigation
from workbench.ui.shell.pickers import Comparison, Pair

DEPTH = 10


def opened(store: Store, chosen: Pair, query_id: str) -> None:
    """Open one query on the utility page: the teacher's order beside the student's, and the likelihoods behind it."""
    query = cache.query(store, query_id)
    components.html_block(question(query))
    mine = cache.ranking(store, query_id, run=chosen.run, teacher=chosen.teacher, depth=1_000)
    scored = sorted(
        (found for found in mine if found.utility is not None),
        key=lambda found: (-(found.utility or 0), found.passage_id),
    )
    components.picture(plots.opened(scored), "opened", "Utility and similarity of each candidate of the query")
    components.remark("★ marks a relevant passage; the number beside a dot is the student's rank.")
    components.legend()
    left, right = components.columns("two-orders", [1, 1])
    with left:
        cards = [card(placed_card(found), query) for found in scored[:DEPTH]]
        heading = "Most useful to the teacher, with the student's rank"
        components.html_block(column(heading, chosen.teacher, TEACHER, cards, "Nothing was scored."))
    with right:
        cards = [card(placed_card(found), query) for found in mine[:DEPTH]]
        heading = "Nearest to the student"
        components.html_block(column(heading, chosen.run.student, AFTER, cards, "The student ranks nothing here."))
    _likelihoods(store, chosen.teacher, query_id)
    navigation.link("diff", "This query in Diff", query=query_id, split=chosen.run.split, teacher=chosen.teacher)


def compared(store: Store, chosen: Comparison, query_id: str, teacher: str | None) -> None:
    """Open one query on the diff page: before, after, and how the teacher would order its candidates."""
    query = cache.query(store, query_id)
    components.html_block(question(query))
    moved = cache.movements(store, chosen.before, chosen.after, query_id, teacher=teacher, depth=DEPTH)
    components.legend()
    before, after, third = components.columns("three", [1, 1, 1])
    with before:
        cards = _side(moved, query, after=False)
        components.html_block(column("Before", chosen.before.student, BEFORE, cards, "It gives no ranking."))
    with after:
        ways = (
            cache.displacements(store, chosen.before.student, chosen.after.student, query_id, teacher)
            if teacher
            else {}
        )
        cards = _side(moved, query, after=True, ways=ways)
        components.html_block(column("After", chosen.after.student, AFTER, cards, "It gives no ranking."))
    with third:
        cards = _teachers_order(store, chosen, query, teacher) if teacher else []
        components.html_block(column("Teacher", teacher or "none", TEACHER, cards, "No teacher has scored this query."))
    with st.expander("The same as lines", icon=":material/conversion_path:", expanded=True):
        components.picture(plots.bump(moved, DEPTH), "bump", "Ranks of the query's passages before and after")
    if teacher:
        navigation.link(
            "utility", "This query in Utility", query=query_id, split=chosen.split, student=chosen.after.student
        )


def _side(moved: list[Moved], query: Query, *, after: bool, ways: Mapping[str, str] | None = None) -> list[str]:
    found = [(rank, each) for each in moved if (rank := each.after if after else each.before) and rank <= DEPTH]
    cards = [
        (moved_card(each, after=after), (ways or {}).get(each.passage_id, ""))
        for _, each in sorted(found, key=lambda pair: pair[0])
    ]
    return [card(with_way(shown, way), query) for shown, way in cards]


def _teachers_order(store: Store, chosen: Comparison, query: Query, teacher: str) -> list[str]:
    best = cache.ranking(store, query.query_id, teacher=teacher, depth=DEPTH)
    ranked = cache.ranking(store, query.query_id, run=chosen.after, depth=1_000)
    ranks = {found.passage_id: found.rank for found in ranked}
    return [
        card(teacher_card(found, place, ranks.get(found.passage_id)), query)
        for place, found in enumerate(best, start=1)
    ]


def _likelihoods(store: Store, teacher: str, query_id: str) -> None:
    with st.expander("How the utilities came about: the answers' likelihoods", icon=":material/functions:"):
        rows = [
            {
                "passage": utility.passage_id,
                "answer": answer.answer,
                "tokens": answer.tokens,
                "log p with the passage": answer.with_passage,
                "without": answer.without_passage,
                "gain per token": answer.log_perplexity_reduction,
                "utility": utility.value,
                "cut": utility.truncated,
            }
            for utility in cache.utilities(store, teacher, query_id)
            for answer in utility.answers
        ]
        if rows:
            components.table(rows, "likelihoods", "Likelihood of each answer with and without each passage")
            components.remark(
                "Natural logarithms, summed over the answer's tokens. The utility is the best answer's gain; "
                "“cut” counts passage tokens the teacher could not read."
            )
        else:
            components.remark("This teacher gives utilities without likelihoods.")
        failed = [failure for failure in cache.failures(store, teacher) if failure.query_id == query_id]
        for failure in failed:
            components.remark(f"Not scored: {failure.passage_id}, because {failure.reason}")
