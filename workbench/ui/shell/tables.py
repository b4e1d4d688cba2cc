"""The tables and rows of key numbers of the pages: results in, what is shown out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench.plots.look import AFTER, TEACHER
from workbench.steps.compare.evaluate import Evaluation
from workbench.store.views import Disagreement, FirstPlaces, SplitCounts, TagCounts, TeacherCounts
from workbench.ui.shell import components, pickers


def teachers(found: Sequence[TeacherCounts]) -> None:
    """Show what each teacher has scored, and how good its first choices are."""
    if not found:
        components.empty("No teacher has scored anything yet.", "workbench score --teacher lexical")
        return
    rows = [
        {
            "teacher": each.teacher,
            "queries": each.queries,
            "pairs": each.pairs,
            "failed": each.failures,
            "cut": each.truncated,
            "helpful": each.helpful,
            "relevant first": each.relevant_first / each.judged if each.judged else None,
        }
        for each in found
    ]
    components.table(
        rows,
        "teachers",
        "Teachers",
        **_counts("queries", "pairs", "failed"),
        cut=NumberColumn(format="localized", help="Pairs whose passage was too long for the teacher to read whole."),
        helpful=_share("Share of pairs with a utility above 0."),
        **{"relevant first": _share("Share of the judged queries whose most useful passage is relevant.")},
    )


def splits(found: Sequence[SplitCounts]) -> None:
    """Show how much of each split there is."""
    rows = [
        {
            "split": each.split or "(none)",
            "queries": each.queries,
            "with answers": each.with_answers,
            "judged": each.judged,
            "candidates": each.candidates,
        }
        for each in found
    ]
    components.table(rows, "splits", "Splits", **_counts("queries", "with answers", "judged", "candidates"))


def tags(found: Sequence[TagCounts]) -> None:
    """Show which tags the queries have, and how many have each."""
    components.table([each._asdict() for each in found], "tags", "Tags of queries", **_counts("queries", "judged"))


def students(found: Sequence[Evaluation]) -> None:
    """Show every evaluated student with its measures and their intervals."""
    rows: list[dict[str, object]] = []
    for each in found:
        row: dict[str, object] = {"student": each.student}
        row |= {name: f"{mean.mean:.3f}  [{mean.low:.3f}, {mean.high:.3f}]" for name, mean in each.measures.items()}
        rows.append(row)
    components.table(rows, "students", "Students and their measures", student=TextColumn(width="large"))
    judged = max((each.judged for each in found), default=0)
    components.remark(
        f"Means over {judged:,} judged queries with 95 % bootstrap intervals, which overlap more readily than a paired "
        "comparison: see Diff for whether a difference is more than chance."
    )
    for each in found:
        if each.unanswered:
            components.stale(
                f"{each.student} gives no ranking for {each.unanswered:,} judged queries; they count as 0."
            )


def first_places(found: FirstPlaces) -> None:
    """Show whom teacher and student put first."""

    def judged(number: int) -> str:
        return f"{number / found.judged:.3f}" if found.judged else "–"

    below = f"of {found.judged:,} judged queries"
    components.numbers(
        components.Number("Scored queries", f"{found.queries:,}", "with candidates that the student ranks"),
        components.Number("Teacher puts a relevant passage first", judged(found.teacher_relevant), below, TEACHER),
        components.Number("Student puts a relevant candidate first", judged(found.student_relevant), below, AFTER),
        components.Number("Same first choice", f"{found.same / found.queries:.0%}", f"{found.same:,} queries"),
        components.Number(
            "Utility given away", f"{found.regret:.2f}", "nats per token a query, by the student's first choice"
        ),
    )


def disagreements(rows: Sequence[Disagreement], version: str) -> str | None:
    """Show the queries by how much they give away; return the one that is open."""
    sought = search("words")
    kept = [row for row in rows if sought in f"{row.text} {row.query_id}".casefold()]
    ids = [row.query_id for row in kept]
    if not kept:
        components.remark("No query has these words.")
        return None
    pickers.unknown(ids, "query", "query")
    shown: list[dict[str, object]] = [
        {"query": row.text, "candidates": row.candidates, "best utility": row.best,
         "student ranks it": row.rank, "given away": row.regret}
        for row in kept
    ]  # fmt: skip
    return pickers.row(
        ids,
        shown,
        "query",
        f"{version}-{sought}",
        query=TextColumn(width="large"),
        **{
            "best utility": NumberColumn(format="%+.2f", help="Utility of the teacher's favourite, nats per token."),
            "student ranks it": NumberColumn(format="%d", help="The student's rank of the teacher's favourite."),
            "given away": NumberColumn(
                format="%.2f", help="Utility between the teacher's first choice and the student's."
            ),
        },
    )


def search(key: str) -> str:
    """Let a person type words to look for; return them in small letters."""
    found = st.text_input(
        "Search", key=key, placeholder="Words or id of a query", label_visibility="collapsed", icon=":material/search:",
        bind="query-params",
    )  # fmt: skip
    return (found or "").strip().casefold()


def _counts(*names: str) -> dict[str, Any]:
    return {name: NumberColumn(format="localized") for name in names}


def _share(meaning: str) -> Any:
    return NumberColumn(format="percent", help=meaning)
