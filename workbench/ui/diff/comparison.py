"""The comparison on the whole: who won, measure by measure and query by query, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench import plots
from workbench.errors import NothingToDo
from workbench.evaluation.answers import AnswerMeasure
from workbench.evaluation.comparison import RULE, SECONDARY, SELECTION, Comparison, printed_p
from workbench.evaluation.measures import cutoff
from workbench.plots.look import AFTER, BEFORE
from workbench.records import stale_in_words
from workbench.results import counted
from workbench.steps.compare.compare_runs import Against, RunsComparison
from workbench.steps.compare.diff import Diff
from workbench.store import Store
from workbench.ui.shell import cache, components, navigation, pickers
from workbench.ui.shell.pickers import ChosenRuns


def judged(store: Store, chosen: ChosenRuns) -> Diff | None:
    """Return the diff, or None, with the reason shown, if nothing in the split is judged."""
    try:
        return cache.diff(store, *chosen.students, chosen.measure, chosen.split)
    except NothingToDo as error:
        components.stale(f"{error.problem} The rankings are compared with one another instead.")
        return None


def compared_students(store: Store, chosen: ChosenRuns) -> tuple[str, ...]:
    """Return the students to compare: the two, or every one of the split where a person asks for all."""
    # The switch stands further down; its state is known from the link or the last run.
    everyone = st.session_state.get("everyone", st.query_params.get("everyone") == "true")
    others = pickers.measurable_runs(store, chosen.split, chosen.measure) if everyone else ()
    return tuple(dict.fromkeys((*chosen.students, *(run.student for run in others))))


def overview(store: Store, diff: Diff, students: tuple[str, ...]) -> None:
    """Show who won on the whole, measure by measure and query by query, and all students if there are more than two."""
    components.lead(diff.in_words)
    for name in diff.stale:
        components.stale(stale_in_words(name))
    if diff.unanswered:
        components.stale(f"No ranking in one of the runs for {counted(diff.unanswered, 'judged query')}, counted as 0.")
    components.tally(won=diff.wins, tied=diff.ties, lost=diff.losses)
    _numbers(diff.comparison)
    if diff.unseen and diff.unseen_comparison:
        components.remark(f"The same on the {counted(diff.unseen.unseen, 'query')} that train has not seen:")
        _numbers(diff.unseen_comparison)
    left, right = components.columns("two", [1, 1.25])
    with left:
        components.heading("Every measure")
        figure = plots.measures(diff.comparisons, diff.before, diff.after)
        components.picture(figure, "measures", "Means with intervals, before and after")
        components.remark(f"At the right the difference; a star marks a finding. {RULE}")
    with right:
        components.heading("Every query")
        name = pickers.segment("Picture", {"bars": "Changes", "dots": "Before against after"}, "picture", "bars")
        if name == "bars":
            components.opening_picture(
                plots.waterfall(diff), "waterfall", "Change per query, largest gain to largest loss"
            )
        else:
            components.opening_picture(
                plots.before_after(diff), "before-after", "Each query before and after; better lies above"
            )
        components.remark("A click on a query opens it below.")
    _answers_missed(store, diff)
    with st.expander("How sure, and how much is judged", icon=":material/balance:"):
        _how_sure(diff)
    number = len(cache.runs(store, diff.split))
    if number > 2:
        st.toggle(f"All {number} students of this split", key="everyone", bind="query-params")
    if len(students) > 2:
        _all_students(cache.compare_runs(store, students, (diff.measure,), diff.split))


def _answers_missed(store: Store, diff: Diff) -> None:
    """Lead to where answers are measured, if the two were not read and could be."""
    counts = next((counts for counts in cache.counts(store).splits if counts.split == diff.split), None)
    if counts and counts.with_answers and not any(map(AnswerMeasure.parse, (one.measure for one in diff.comparisons))):
        navigation.link("students", "Measure their answers too: token F1 and exact match", split=diff.split)


def _numbers(comparison: Comparison) -> None:
    interval = f"95 % interval {comparison.difference.low:+.3f} to {comparison.difference.high:+.3f}"
    components.numbers(
        components.mean(f"{comparison.measure} before", comparison.before, BEFORE),
        components.mean(f"{comparison.measure} after", comparison.after, AFTER),
        components.Number("Difference", f"{comparison.difference.mean:+.3f}", interval),
        components.Number("Finding", comparison.verdict, f"{comparison.p_in_words}{comparison.few}"),
    )


def _how_sure(diff: Diff) -> None:
    rows = []
    for comparison in diff.comparisons:
        shares = diff.judged.get(comparison.measure)
        cells = {} if not shares else {
            "judged before": shares[0], "judged after": shares[1], "of the top": cutoff(comparison.measure)
        }  # fmt: skip
        rows.append(_measured(comparison) | cells)
    percent = {name: NumberColumn(format="percent") for name in ("judged before", "judged after")}
    components.table(rows, "how-sure", "Tests of every measure, and how much of the top is judged", **percent)
    components.remark(
        f"p: paired randomisation test, and t-test. {SECONDARY} "
        "Judged: share of the passages in the top that people have judged; where it is low, a measure knows little."
    )
    if diff.unseen_comparisons:
        unseen = [_measured(comparison) for comparison in diff.unseen_comparisons]
        components.table(unseen, "how-sure-unseen", "The same tests on the queries not seen in train")


def _measured(comparison: Comparison) -> dict[str, object]:
    return {"measure": comparison.measure, **_tests(comparison), "queries": comparison.difference.n}


def _tests(comparison: Comparison, selection_p: float | None = None) -> dict[str, object]:
    difference = comparison.difference
    holm = comparison.adjusted_p if selection_p is None else selection_p
    return {
        "difference": f"{difference.mean:+.3f}  [{difference.low:+.3f}, {difference.high:+.3f}]",
        "p": printed_p(comparison.p_value),
        "t-test": printed_p(comparison.t_p_value),
        "p (Holm)": printed_p(holm),
        "finding": f"{comparison.verdict}{comparison.few}",
    }


def _all_students(table: RunsComparison) -> None:
    alt = "A column a query, a row a student, darker where the measure is higher"
    components.opening_picture(plots.heatmap(table), "heatmap", alt)
    title = f"Every student against {table.baseline}"
    components.table(_against(table.against), "everyone-table", title, student=TextColumn(width="large"))
    if table.against_unseen:
        unseen = f"{title}, on the queries not seen in train"
        components.table(_against(table.against_unseen), "everyone-unseen", unseen)
    components.remark(f"Each against {table.baseline}. {SELECTION}{table.selection_in_words}")


def _against(against: Sequence[Against]) -> list[dict[str, object]]:
    return [
        {"mean": f"{row.comparison.after}", "student": row.student, **_tests(row.comparison, row.selection_p)}
        for row in against
    ]
