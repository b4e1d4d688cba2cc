"""One query opened: its passages as teacher and student see them, or before and after."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from workbench import plots
from workbench.plots.look import AFTER, BEFORE, TEACHER
from workbench.records import Query
from workbench.store import Store
from workbench.store.views import Moved
from workbench.ui import cached, parts, rooms
from workbench.ui.choices import Comparison, Pair
from workbench.ui.passages import card, column, moved_card, placed_card, question, teacher_card, with_way

DEPTH = 10


def opened(store: Store, chosen: Pair, query_id: str) -> None:
    """Open one query on the utility page: the teacher's order beside the student's, and the likelihoods behind it."""
    query = cached.query(store, query_id)
    parts.html_block(question(query))
    mine = cached.ranking(store, query_id, run=chosen.run, teacher=chosen.teacher, depth=1_000)
    scored = sorted(
        (found for found in mine if found.utility is not None),
        key=lambda found: (-(found.utility or 0), found.passage_id),
    )
    parts.picture(plots.opened(scored), "opened", "Utility and similarity of each candidate of the query")
    parts.remark("★ marks a relevant passage; the number beside a dot is the student's rank.")
    parts.legend()
    left, right = parts.columns("two-orders", [1, 1])
    with left:
        cards = [card(placed_card(found), query) for found in scored[:DEPTH]]
        heading = "Most useful to the teacher, with the student's rank"
        parts.html_block(column(heading, chosen.teacher, TEACHER, cards, "Nothing was scored."))
    with right:
        cards = [card(placed_card(found), query) for found in mine[:DEPTH]]
        heading = "Nearest to the student"
        parts.html_block(column(heading, chosen.run.student, AFTER, cards, "The student ranks nothing here."))
    _likelihoods(store, chosen.teacher, query_id)
    rooms.link("diff", "This query in Diff", query=query_id, split=chosen.run.split, teacher=chosen.teacher)


def compared(store: Store, chosen: Comparison, query_id: str, teacher: str | None) -> None:
    """Open one query on the diff page: before, after, and how the teacher would order its candidates."""
    query = cached.query(store, query_id)
    parts.html_block(question(query))
    moved = cached.movements(store, chosen.before, chosen.after, query_id, teacher=teacher, depth=DEPTH)
    parts.legend()
    before, after, third = parts.columns("three", [1, 1, 1])
    with before:
        cards = _side(moved, query, after=False)
        parts.html_block(column("Before", chosen.before.student, BEFORE, cards, "It gives no ranking."))
    with after:
        ways = cached.pulls(store, chosen.before.student, chosen.after.student, query_id, teacher) if teacher else {}
        cards = _side(moved, query, after=True, ways=ways)
        parts.html_block(column("After", chosen.after.student, AFTER, cards, "It gives no ranking."))
    with third:
        cards = _teachers_order(store, chosen, query, teacher) if teacher else []
        parts.html_block(column("Teacher", teacher or "none", TEACHER, cards, "No teacher has scored this query."))
    with st.expander("The same as lines", icon=":material/conversion_path:", expanded=True):
        parts.picture(plots.bump(moved, DEPTH), "bump", "Ranks of the query's passages before and after")
    if teacher:
        rooms.link("utility", "This query in Utility", query=query_id, split=chosen.split, student=chosen.after.student)


def _side(moved: list[Moved], query: Query, *, after: bool, ways: Mapping[str, str] | None = None) -> list[str]:
    found = [(rank, each) for each in moved if (rank := each.after if after else each.before) and rank <= DEPTH]
    cards = [
        (moved_card(each, after=after), (ways or {}).get(each.passage_id, ""))
        for _, each in sorted(found, key=lambda pair: pair[0])
    ]
    return [card(with_way(shown, way), query) for shown, way in cards]


def _teachers_order(store: Store, chosen: Comparison, query: Query, teacher: str) -> list[str]:
    best = cached.ranking(store, query.query_id, teacher=teacher, depth=DEPTH)
    ranked = cached.ranking(store, query.query_id, run=chosen.after, depth=1_000)
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
            for utility in cached.utilities(store, teacher, query_id)
            for answer in utility.answers
        ]
        if rows:
            parts.table(rows, "likelihoods", "Likelihood of each answer with and without each passage")
            parts.remark(
                "Natural logarithms, summed over the answer's tokens. The utility is the best answer's gain; "
                "“cut” counts passage tokens the teacher could not read."
            )
        else:
            parts.remark("This teacher gives utilities without likelihoods.")
        failed = [failure for failure in cached.failures(store, teacher) if failure.query_id == query_id]
        for failure in failed:
            parts.remark(f"Not scored: {failure.passage_id}, because {failure.reason}")
