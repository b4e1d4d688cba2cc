"""Agreement with the teacher, before and after: key numbers, how sure the student may be, and the worst queries."""

from __future__ import annotations

import shlex

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench import plots
from workbench.errors import NothingToDo
from workbench.evaluation import TEACHER_AGREEMENTS
from workbench.evaluation.comparison import Comparison
from workbench.plots.look import AFTER
from workbench.steps.compare.teacher_agreement import QueryAgreement, TeacherAgreement, closeness
from workbench.store import Store
from workbench.ui.shell import cache, components, navigation, pickers, tables

CURVES = {
    "teacher": "Teacher",
    "relevant": "Relevant",
    "useful": "Useful",
    "utility": "All pairs",
}
KEY = ("KL", "Kendall", "top-1", "regret")
FARTHEST = "farthest"  # the key of the query that is chosen here, in the link


def show(store: Store, before: str, after: str, teacher: str, split: str) -> None:
    """Fold out how far two students agree with a teacher; it is worked out when a person opens it."""
    folded = st.expander(
        "Agreement with the teacher", icon=":material/handshake:", key="agreement", on_change="rerun",
        bind="query-params",
    )  # fmt: skip
    if not folded.open:
        return
    with folded:
        try:
            found = cache.teacher_agreement(store, after, teacher, split, before)
        except NothingToDo as trouble:
            return components.remark(f"{trouble.problem} {trouble.hint}")
        _opened(store, found)


def _opened(store: Store, found: TeacherAgreement) -> None:
    components.lead(found.in_words)
    for remark in found.remarks:
        components.stale(remark)
    components.numbers(*(_number(each) for each in found.comparisons if each.measure in KEY))
    left, right = components.columns("two-agreement", [1, 1])
    with left:
        components.heading("Every query")
        by = pickers.segment("Agreement", {kind: kind for kind in TEACHER_AGREEMENTS if kind != "top-1"}, "agree", "KL")
        components.picture(plots.closer(found, by), "closer", f"{by} of each query before and after")
        components.remark(f"{by}: {TEACHER_AGREEMENTS[by].meaning}. Each mark is a query.")
    with right:
        components.heading("How sure the student may be")
        held = {name: word for name, word in CURVES.items() if name in found.reliability}
        name = pickers.segment("Observed", held, "observed", "teacher")
        drawn = plots.reliability(found.reliability[name], found.reliability_before[name])
        components.picture(drawn, "reliability", "What was observed against what the student's similarities predict")
        components.remark(_meaning(name, found))
    _gap_recovered(found)
    components.heading("Every kind of agreement")
    rows = [_row(each) for each in found.comparisons]
    counts = NumberColumn(format="localized")
    components.table(rows, "kinds", "Agreement before and after, by kind", queries=counts)
    _farthest(store, found)
    options = ["--before", found.before, "--teacher", found.teacher, "--split", found.split]
    line = shlex.join(["workbench", "--workspace", str(store.path), "agreement", found.student, *options])
    st.caption("The same in the shell")
    st.code(line, language="shell", wrap_lines=True)


def _number(found: Comparison) -> components.Number:
    note = f"before {found.before.mean:.3f}; {found.evidence}: {closeness(found)}{found.few}"
    return components.Number(found.measure, f"{found.after.mean:.3f}", note, AFTER)


def _row(found: Comparison) -> dict[str, object]:
    by = found.difference
    return {
        "kind": found.measure,
        "before": f"{found.before}",
        "after": f"{found.after}",
        "difference": f"{by.mean:+.3f}  [{by.low:+.3f}, {by.high:+.3f}]",
        "p (Holm)": f"{found.adjusted_p:.4f}",
        "finding": closeness(found),
        "queries": by.n,
        "meaning": TEACHER_AGREEMENTS[found.measure].meaning,
    }


def _meaning(name: str, found: TeacherAgreement) -> str:
    if name == "utility":
        return "All scored pairs, a tenth of them a dot. Similarity predicts utility where the line rises."
    said = f"Softmax over the query's scored passages, {found.temperatures.in_words}. A tenth of the queries a dot."
    return f"{said} Below the diagonal the student is surer than it may be." if name != "useful" else said


def _gap_recovered(found: TeacherAgreement) -> None:
    if not found.gap_recovered:
        return
    components.heading("What it kept of the teacher's advantage")
    components.picture(
        plots.gap_recovered(found.gap_recovered), "kept", "Student before, student after and teacher on each measure"
    )
    components.remark(
        "All three order the same passages, those the teacher scored: the teacher's order is what was taught."
    )


def _farthest(store: Store, found: TeacherAgreement) -> None:
    """List the queries farthest from the teacher, and offer the one chosen on the utility page."""
    components.heading("Farthest from the teacher")
    sought = tables.search("agreement-search")
    kept = [row for row in found.rows if sought in f"{row.text} {row.query_id}".casefold()]
    if not kept:
        return components.remark("No query has these words.")
    ids = [row.query_id for row in kept]
    pickers.unknown(ids, FARTHEST, "query")
    numbers = {name: NumberColumn(format="%.3f") for name in ("KL", "KL before", "Kendall", "regret")}
    rows = [_query(row) for row in kept]
    version = f"{found.student}-{found.before}-{found.teacher}-{found.split}-{sought}-{store.revision()}"
    query_id = pickers.row(ids, rows, FARTHEST, version, query=TextColumn(width="large"), **numbers)
    navigation.link(
        "utility", "This query in Utility", query=query_id or ids[0], split=found.split, student=found.student,
        teacher=found.teacher,
    )  # fmt: skip


def _query(row: QueryAgreement) -> dict[str, object]:
    return {
        "query": row.text,
        "passages": row.passages,
        "KL": row.after["KL"],
        "KL before": row.before.get("KL"),
        "Kendall": row.after["Kendall"],
        "regret": row.after["regret"],
    }
