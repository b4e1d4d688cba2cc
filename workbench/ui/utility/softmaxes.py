"""Both softmaxes of an opened query at temperatures of one's choice, and what training changed in them."""

from __future__ import annotations

import streamlit as st

from workbench import plots
from workbench.evaluation.teacher_agreement import Temperatures
from workbench.plots.look import AFTER, BEFORE
from workbench.results import counted
from workbench.steps.compare.agreement.common_pools import AgreementSettings
from workbench.steps.compare.agreement.query_softmaxes import QuerySoftmaxes
from workbench.store import Store
from workbench.ui.shell import cache, components
from workbench.ui.shell.pickers import Pair

FACTORS = ("0.1", "0.2", "0.5", "0.7", "1", "1.5", "2", "5", "10")  # of the temperatures of the training


def panel(store: Store, pair: Pair, query_id: str, before: str) -> None:
    """Show the softmaxes of teacher and student over the query's passages, and where the loss would pull them."""
    components.heading("What the loss sees")
    own = cache.query_softmaxes(store, query_id, pair.run.student, pair.teacher, before).temperatures
    at = _chosen(own)
    shown = cache.query_softmaxes(store, query_id, pair.run.student, pair.teacher, before, at)
    _numbers(shown)
    components.picture(
        plots.softmaxes(shown), "softmaxes", "Probability of each passage to the teacher and to the student"
    )
    arrows = " An arrow leads from the student before to the student, green toward the teacher." if before else ""
    components.remark(
        f"At the right: whether the loss {shown.loss} would now pull the passage up or push it down, by its gradient "
        f"for the passage's logit, without a batch's random passages.{arrows} ★ marks a relevant passage."
    )


def _chosen(own: Temperatures) -> AgreementSettings:
    """Let a person choose both temperatures, which begin as those of the training."""
    left, right = components.columns("two-temperatures", [1, 1])
    factors = []
    for side, word, key, value in (
        (left, "Teacher", "teacher-at", own.teacher), (right, "Student", "student-at", own.student)
    ):  # fmt: skip
        with side:
            factor = float(
                st.select_slider(
                    f"{word}'s temperature, times {value:.3g}", FACTORS, value="1", key=key,
                    bind="query-params", help="1 is the training's own; lower is sharper, higher is flatter.",
                )
            )  # fmt: skip
            source = f" ({own.source})" if word == "Teacher" and factor == 1 else ""
            components.remark(f"{value * factor:.3g}{source}")
            factors.append(value * factor)
    teacher, student = factors
    return AgreementSettings(teacher, student)


def _numbers(shown: QuerySoftmaxes) -> None:
    first, second = ("student before", BEFORE), ("student", AFTER)
    divergences = [(second, shown.kl)] if shown.kl_before is None else [(first, shown.kl_before), (second, shown.kl)]
    best, up = shown.passages[0], sum(one.direction == "up" for one in shown.passages)
    probabilities = f"teacher {best.teacher:.3f}, student {best.student:.3f}"
    components.numbers(
        *(
            components.Number(f"KL, {word}", f"{value:.3f}", "nats from the teacher's softmax", role)
            for (word, role), value in divergences
        ),
        components.Number("Teacher's best passage", f"rank {best.rank:,}", probabilities),
        components.Number("Would be pulled up", f"{up:,}", f"of {counted(len(shown.passages), 'passage')}"),
    )
