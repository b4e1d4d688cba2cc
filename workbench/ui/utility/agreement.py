"""Agreement with the teacher: key numbers, how sure the student may be, and the worst queries."""

from __future__ import annotations

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench import plots
from workbench.commands import command
from workbench.errors import NothingToDo
from workbench.evaluation.comparison import Comparison, printed_p
from workbench.evaluation.teacher_agreement import TEACHER_AGREEMENTS
from workbench.plots.look import AFTER
from workbench.records import NO_TEXT
from workbench.steps.compare.agreement.teacher_agreement import QueryAgreement, TeacherAgreement, closeness
from workbench.store import Store
from workbench.ui.shell import cache, commands, components, navigation, pickers, tables
from workbench.ui.shell.pickers import Pair

NOBODY = "–"

CURVES = {
    "teacher": "Teacher",
    "relevant": "Relevant",
    "useful": "Useful",
    "utility": "All pairs",
}
KEY = ("KL", "Kendall", "top-1", "regret")
FARTHEST = "farthest"  # the key of the query that is chosen here, in the link


def panel(store: Store, pair: Pair) -> str:
    """Show how far the student agrees with the teacher, and what a student before it did; return that student's name.

    It is computed when a person asks for it.
    """
    components.heading("Does the student agree with the teacher?")
    students = [run.student for run in cache.runs(store, pair.run.split) if run.student != pair.run.student]
    left, right = components.columns("two-of-agreement", [1, 1])
    with right:
        before = pickers.select("Student before", [NOBODY, *students], "before", student_before(store, pair))
        before = "" if before == NOBODY else before
    with left:
        measured = st.toggle("Measure their agreement", key="agreement", bind="query-params")
    if not measured:
        components.remark("Divergences, rank correlations, calibration, and the share of the teacher's lead recovered.")
        return before
    try:
        agreement = cache.teacher_agreement(store, pair.run.student, pair.teacher, pair.run.split, before)
    except NothingToDo as error:
        components.remark(f"{error.problem} {error.hint}")
    else:
        _opened(store, agreement)
    return before


def student_before(store: Store, pair: Pair) -> str:
    """Return the student that a student was trained from, where it was evaluated on the split; else ""."""
    base = next((student.base for student in cache.trained(store) if student.name == pair.run.student), "")
    return base if base in {run.student for run in cache.runs(store, pair.run.split)} else ""


def _opened(store: Store, agreement: TeacherAgreement) -> None:
    components.lead(agreement.in_words)
    for remark in agreement.remarks:
        components.stale(remark)
    components.numbers(*(_number(agreement, name) for name in KEY))
    left, right = components.columns("two-agreement", [1, 1])
    with right:
        components.heading("How sure the student may be")
        _reliability(agreement)
    with left:
        if agreement.comparisons:
            components.heading("Every query, before and after")
            names = {name: name for name in TEACHER_AGREEMENTS if name != "top-1"}
            by = pickers.segment("Agreement", names, "agree", "KL")
            components.opening_picture(plots.closer(agreement, by), "closer", f"{by} of each query before and after")
            components.remark(f"{by}: {TEACHER_AGREEMENTS[by].meaning}. A click on a query opens it below.")
        else:
            _farthest(store, agreement)
    if agreement.comparisons:
        _gap_recovered(agreement)
        components.heading("Every measure of agreement")
        rows = [_row(comparison) for comparison in agreement.comparisons]
        components.table(rows, "agreements", "Agreement before and after, by measure", **tables.counts("queries"))
        _farthest(store, agreement)
    options = {"before": agreement.before, "teacher": agreement.teacher, "split": agreement.split}
    commands.show(store, command("agreement", agreement.student, **options))


def _number(agreement: TeacherAgreement, name: str) -> components.Number:
    comparison = next((one for one in agreement.comparisons if one.measure == name), None)
    if not comparison:
        return components.mean(name, agreement.after[name], AFTER)
    note = f"before {comparison.before.mean:.3f}; {comparison.evidence}: {closeness(comparison)}{comparison.few}"
    return components.Number(name, f"{comparison.after.mean:.3f}", note, AFTER)


def _reliability(agreement: TeacherAgreement) -> None:
    curves = {name: label for name, label in CURVES.items() if name in agreement.reliability}
    name = pickers.segment("Observed", curves, "observed", "teacher")
    figure = plots.reliability(agreement.reliability[name], agreement.reliability_before.get(name))
    components.picture(figure, "reliability", "What was observed against what the student's similarities predict")
    components.remark(_meaning(name, agreement))


def _row(comparison: Comparison) -> dict[str, object]:
    difference = comparison.difference
    return {
        "measure": comparison.measure,
        "before": f"{comparison.before}",
        "after": f"{comparison.after}",
        "difference": f"{difference.mean:+.3f}  [{difference.low:+.3f}, {difference.high:+.3f}]",
        "p (Holm)": printed_p(comparison.adjusted_p),
        "finding": closeness(comparison),
        "queries": difference.n,
        "meaning": TEACHER_AGREEMENTS[comparison.measure].meaning,
    }


def _meaning(name: str, agreement: TeacherAgreement) -> str:
    if name == "utility":
        return "All scored pairs, a tenth of them a dot. Similarity predicts utility where the line rises."
    words = (
        f"Softmax over the query's scored passages, {agreement.temperatures.in_words}. A tenth of the queries a dot."
    )
    return words if name == "useful" else f"{words} Below the diagonal the student is overconfident."


def _gap_recovered(agreement: TeacherAgreement) -> None:
    if not agreement.gap_recovered:
        return
    components.heading("Performance gap recovered")
    components.picture(
        plots.gap_recovered(agreement.gap_recovered),
        "gap-recovered",
        "Student before, student after and teacher on each measure",
    )
    components.remark(
        "The share of the teacher's lead over the student before that the student after has won. All three order the "
        "same passages, those that the teacher scored."
    )


def _farthest(store: Store, agreement: TeacherAgreement) -> None:
    """List the queries farthest from the teacher, and open the one chosen below."""
    components.heading("Farthest from the teacher")
    words = tables.search("agreement-search")
    rows = tables.matching(agreement.rows, words)
    if not rows:
        return
    ids = [row.query_id for row in rows]
    tables.unknown(ids, FARTHEST, "query")
    numbers = {name: NumberColumn(format="%.3f") for name in ("KL", "KL before", "Kendall", "regret")}
    version = f"{agreement.student}-{agreement.before}-{agreement.teacher}-{agreement.split}-{words}-{store.revision()}"
    query_id = tables.select_row(
        ids, lambda at: _cells(rows[at]), FARTHEST, version, query=TextColumn(width="large"), **numbers
    )
    navigation.link(
        "utility", "Open this query below", query=query_id or ids[0], split=agreement.split, student=agreement.student,
        teacher=agreement.teacher, before=agreement.before or NOBODY, agreement="true",
    )  # fmt: skip


def _cells(row: QueryAgreement) -> dict[str, object]:
    return {
        "KL": row.after["KL"],
        "query": row.text or f"{row.query_id} ({NO_TEXT})",
        **({"KL before": row.before["KL"]} if row.before else {}),
        "Kendall": row.after["Kendall"],
        "regret": row.after["regret"],
        "passages": row.passages,
    }
