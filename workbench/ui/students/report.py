"""The report of one trained student: its recipe and its gain on dev, or that there was none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from workbench import jobs, plots
from workbench.commands import command
from workbench.plots.look import AFTER, BEFORE
from workbench.progress import duration
from workbench.steps.teach.planning.plan import labels_in_words
from workbench.steps.teach.train import history
from workbench.store import Store
from workbench.students import Student
from workbench.ui.shell import cache, components, navigation
from workbench.ui.students import export_student, manage


def report(store: Store, student: Student) -> None:
    """Show how a student was trained and with what result, and offer what can be done with it next."""
    with st.container(border=True):
        recipe, outcome = student.recipe, student.recipe.get("outcome", {})
        components.text(manage.title(student))
        if note := student.recipe.get("note"):
            components.text(str(note))
        components.remark(
            f"from {student.base}, trained on {labels_in_words(recipe.get('teacher', 'an unknown teacher'))}, "
            f"method {recipe.get('method', 'full')}, loss {recipe.get('loss', 'unknown')}"
        )
        if outcome:
            components.numbers(
                components.Number(
                    f"{outcome['measure']} on dev, before", f"{outcome['dev_before']:.3f}", "step 0", BEFORE
                ),
                components.Number(
                    f"{outcome['measure']} on dev, best", f"{outcome['dev_after']:.3f}",
                    f"step {outcome['best_step']:,} of {outcome['steps']:,}", AFTER,
                ),
                components.Number(
                    "Gain on dev", f"{outcome['dev_after'] - outcome['dev_before']:+.3f}", _verdict(outcome)
                ),
                components.Number("Time", duration(outcome["seconds"]), _ENDS.get(outcome["stopped"], "")),
            )  # fmt: skip
            if outcome.get("unseen_before") is not None:
                before, after = outcome["unseen_before"], outcome["unseen_after"]
                components.remark(
                    "On the dev queries that train has not seen, where a gain is no memory: "
                    f"{outcome['measure']} {before:.3f} before, {after:.3f} best ({after - before:+.3f})."
                )
        left, right = st.columns([3, 2])
        with left.expander("Course of the training", icon=":material/show_chart:"):
            if steps := history(store, student.name):
                figure = plots.history(steps, f"{outcome.get('measure', 'measure')} on dev")
                components.picture(figure, f"history-{student.name}", "Loss and dev measure by training step")
            else:
                components.remark("Its history was not kept.")
        with right.expander("Recipe", icon=":material/receipt_long:"):
            st.json(dict(recipe), expanded=1)
        _next(store, student)
        manage.offer(store, student)
        export_student.offer(store, student)


def _verdict(outcome: Mapping[str, Any]) -> str:
    if outcome["best_step"] == 0:
        return "no gain: no step beat the base, so it has the base's weights"
    return "chosen on dev; Diff shows whether it holds on test"


_ENDS = {
    "budget": "ended at its limit of steps or minutes",
    "patience": "no more gain on dev",
    "asked": "ended by a request to stop",
}


def _next(store: Store, student: Student) -> None:
    evaluated = {run.student for run in cache.runs(store, "test")}
    if missing := [name for name in (student.base, student.name) if name not in evaluated]:
        components.remark(f"Not evaluated on test yet: {' and '.join(missing)}.")
        if st.button("Evaluate on test", key=f"evaluate-{student.name}", icon=":material/straighten:"):
            jobs.start(store, command("evaluate", *missing, split="test"))
            st.rerun()
    else:
        navigation.link("diff", "Compare with its base", before=student.base, after=student.name, split="test")
