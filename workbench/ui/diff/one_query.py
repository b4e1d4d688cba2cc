"""One query opened: its passages before and after, and as the teacher orders them."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from workbench import plots
from workbench.evaluation.answers import ANSWER_MEASURES, AnswerMeasure
from workbench.html.cards import card, column, moved_card, question, teacher_card, with_displacement
from workbench.plots.look import AFTER, BEFORE, TEACHER
from workbench.records import Query, Unit
from workbench.store import Store
from workbench.store.views import Moved
from workbench.ui.shell import cache, components, navigation
from workbench.ui.shell.pickers import ChosenRuns

DEPTH = 10


def opened(store: Store, chosen: ChosenRuns, query_id: str, teacher: str | None) -> None:
    """Open one query: before, after, and how the teacher would order its candidates."""
    query = cache.query(store, query_id)
    components.html_block(question(query))
    moved = cache.movements(store, chosen.before, chosen.after, query_id, teacher=teacher, depth=DEPTH)
    _answers(store, chosen, query_id)
    components.legend()
    before, after, third = components.columns("three", [1, 1, 1])
    unit = cache.teacher_unit(store, teacher) if teacher else "unknown"
    with before:
        cards = _side(moved, query, unit, after=False)
        components.html_block(column("Before", chosen.before.student, BEFORE, cards, "It gives no ranking."))
    with after:
        directions = cache.displacements(store, *chosen.students, query_id, teacher) if teacher else {}
        cards = _side(moved, query, unit, after=True, directions=directions)
        components.html_block(column("After", chosen.after.student, AFTER, cards, "It gives no ranking."))
    with third:
        cards = _teachers_order(store, chosen, query, teacher) if teacher else []
        components.html_block(column("Teacher", teacher or "none", TEACHER, cards, "No teacher has scored this query."))
    with st.expander("The same as lines", icon=":material/conversion_path:", expanded=True):
        components.picture(plots.bump(moved, DEPTH, unit), "bump", "Ranks of the query's passages before and after")
    if teacher:
        navigation.link(
            "utility", "This query in Utility", query=query_id, split=chosen.split, student=chosen.after.student
        )


def _answers(store: Store, chosen: ChosenRuns, query_id: str) -> None:
    """Show what the reader answered before and after, where the measure is one of answers."""
    if not (measure := AnswerMeasure.parse(chosen.measure)):
        return
    rows = [
        {
            "": when,
            "answer": answer.reason or answer.answer,
            measure.kind: None if answer.reason else ANSWER_MEASURES[measure.kind](answer.answer, references),
            "reference answers": ", ".join(references),
        }
        for when, student in zip(("before", "after"), chosen.students, strict=True)
        for answer, references in cache.judged_answers(store, student, chosen.measure, chosen.split)
        if answer.query_id == query_id
    ]
    components.table(rows, "answers", f"The answers of {measure.reader} from the first {measure.depth}")


def _side(
    moved: list[Moved], query: Query, unit: Unit, *, after: bool, directions: Mapping[str, str] | None = None
) -> list[str]:
    ranked = [(rank, passage) for passage in moved if (rank := passage.after if after else passage.before)]
    top = sorted(((rank, passage) for rank, passage in ranked if rank <= DEPTH), key=lambda pair: pair[0])
    return [
        card(
            with_displacement(
                moved_card(passage, after=after, unit=unit), (directions or {}).get(passage.passage_id, "")
            ),
            query,
        )
        for _, passage in top
    ]


def _teachers_order(store: Store, chosen: ChosenRuns, query: Query, teacher: str) -> list[str]:
    best = cache.ranking(store, query.query_id, teacher=teacher, depth=DEPTH)
    ranked = cache.ranking(store, query.query_id, run=chosen.after, depth=1_000)
    ranks = {passage.passage_id: passage.rank for passage in ranked}
    unit = cache.teacher_unit(store, teacher)
    return [
        card(teacher_card(passage, place, ranks.get(passage.passage_id), unit), query)
        for place, passage in enumerate(best, start=1)
    ]
