"""The tables of the overview: teachers and evaluated students."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench.records import stale_in_words
from workbench.results import counted
from workbench.steps.compare.evaluate import Evaluation
from workbench.store import Store
from workbench.store.views import TeacherCounts
from workbench.ui.shell import cache, commands, components, next_step, pickers
from workbench.ui.shell.tables import counts


def teachers(store: Store, teacher_counts: Sequence[TeacherCounts]) -> None:
    """Show what each teacher has scored, and how good its first choices are."""
    if not teacher_counts:
        held = cache.counts(store)
        can_score = held.candidates and any(split.with_answers for split in held.splits)
        lines = [commands.line(store, "score", "--teacher", "lexical")] if can_score else []
        components.empty("No teacher has scored anything yet.", *lines)
        return
    rows = [
        {
            "teacher": row.teacher,
            "unit": row.unit,
            "queries": row.queries,
            "pairs": row.pairs,
            "failed": row.failures,
            "truncated": row.truncated,
            "helpful": row.helpful,
            "relevant first": row.relevant_first / row.judged if row.judged else None,
        }
        for row in teacher_counts
    ]
    components.table(
        rows,
        "teachers",
        "Teachers",
        **counts("queries", "pairs", "failed"),
        truncated=NumberColumn(
            format="localized", help="Pairs whose passage was too long for the teacher to read whole."
        ),
        helpful=_share("Share of pairs that are useful: above 0, as a probability above 0.5."),
        **{"relevant first": _share("Share of the judged queries whose most useful passage is relevant.")},
    )


def students(store: Store) -> str:
    """Let a person choose a split, and show every student evaluated on it; return the split, "" if there is none."""
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    with left:
        components.heading("Students")
    splits = pickers.splits(store)
    if not splits:
        next_step.nothing_evaluated(store, "No student has been evaluated yet.")
        return ""
    with right:
        split = pickers.select_split(splits)
    evaluations = cache.evaluated(store, split)
    for evaluation in evaluations:
        if evaluation.stale:
            components.stale(stale_in_words(evaluation.student, split))
        if evaluation.recall is not None:
            components.stale(f"{evaluation.student} was {evaluation.approximation}.")
    _students(evaluations)
    return split


def reproduce(store: Store, split: str) -> None:
    """Show how to come to these tables again; `split` is that of the students, "" if none was evaluated."""
    cell = ["counts, teachers = wb.views.counts(store), wb.views.teachers(store)"]
    if split:
        measure, *others = cache.SHOWN_MEASURES
        cell.append(f"board = wb.leaderboard(store, {split!r}, {measure!r}, {others!r})")
    cell.append("{row.student: row.measures for row in board.students}" if split else "counts")
    students = [["students", "--split", split]] if split else []
    commands.reproduce(store, "", [["info"], *students], "\n".join(cell), split=split)


def _students(evaluations: Sequence[Evaluation]) -> None:
    """Show every evaluated student with its measures and their intervals."""
    rows = []
    for evaluation in evaluations:
        measures = [
            (measure, f"{interval.mean:.3f}  [{interval.low:.3f}, {interval.high:.3f}]")
            for measure, interval in evaluation.measures.items()
        ]
        unseen_cells = {f"{measure}, unseen": str(interval) for measure, interval in evaluation.unseen_measures.items()}
        # One measure before the name: a narrow screen shows little beside it.
        rows.append({**dict(measures[:1]), "student": evaluation.label, **dict(measures[1:]), **unseen_cells})
    components.table(rows, "students", "Students and their measures", student=TextColumn(width="large"))
    components.remark(
        f"Means over {evaluations[0].counts.in_words} with 95 % bootstrap intervals, which overlap more readily than "
        "a paired comparison: see Diff for whether a difference is more than chance."
    )
    if unseen := evaluations[0].unseen:
        means = ", ".join(
            f"{one.student} {one.unseen_measures[measure].mean:.3f}"
            for one in evaluations
            for measure in list(one.unseen_measures)[:1]
        )
        components.remark(f"{unseen.followed_by(f'{cache.SHOWN_MEASURES[0]} is {means}')}.")
    for evaluation in evaluations:
        if evaluation.unanswered:
            components.stale(
                f"{evaluation.student} gives no ranking for "
                f"{counted(evaluation.unanswered, 'judged query')}, counted as 0."
            )


def _share(meaning: str) -> Any:
    return NumberColumn(format="percent", help=meaning)
