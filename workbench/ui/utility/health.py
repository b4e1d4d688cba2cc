"""The health of one teacher, or of two side by side: a sentence on each, and their figures at a temperature."""

from __future__ import annotations

from typing import Literal

import streamlit as st
from streamlit.column_config import TextColumn

from workbench import plots
from workbench.commands import command
from workbench.steps.compare.health.figures import FIGURES
from workbench.steps.compare.health.rules import Fitness
from workbench.steps.compare.health.teacher_health import HealthSettings, TeacherHealth
from workbench.store import Store
from workbench.ui.shell import cache, commands, components, pickers
from workbench.ui.shell.pickers import Pair
from workbench.ui.utility import failures

NOBODY = "–"
KINDS: dict[Fitness, Literal["success", "warning", "failure"]] = {
    "fit": "success", "not fit": "failure", "not shown": "warning"
}  # fmt: skip
WIDTH = 170  # pixels of a column of figures
FACTORS = ("0.1", "0.2", "0.5", "1", "2", "5", "10")  # of the median spread, which is what training divides by


def panel(store: Store, pair: Pair) -> None:
    """Show whether the teacher is fit to teach the student, and, if a person asks for it, another one beside it."""
    components.heading("Is the teacher fit to teach?")
    if not st.toggle("Measure its health", key="health", bind="query-params"):
        components.remark(
            "Entropy, ties, biases, agreement with the qrels and with another teacher; takes some seconds."
        )
        return
    teacher, run = pair
    left, right = components.columns("two-of-health", [1, 1])
    spread = cache.median_spread(store, teacher, run.split) or 1.0
    with left:
        factor = st.select_slider(
            "Temperature, in median spreads of a query's utilities", FACTORS, value="1", key="factor",
            bind="query-params", help="Divides utilities before the softmax whose entropy is measured; 1 in training.",
        )  # fmt: skip
    with right:
        others = [name for name in pickers.scoring_teachers(store) if name != teacher]
        other = pickers.select("Second teacher", [NOBODY, *others], "other")
    other = "" if other == NOBODY else other
    temperature = float(factor) * spread
    looked_at = [cache.teacher_health(store, teacher, run.split, HealthSettings(temperature), run.student, other)]
    if other:
        own = float(factor) * (cache.median_spread(store, other, run.split) or 1.0)
        looked_at.append(cache.teacher_health(store, other, run.split, HealthSettings(own), run.student, teacher))
    for health in looked_at:
        _verdict(health)
    temperatures = ", ".join(f"{health.temperature:.3g} of {health.teacher}" for health in looked_at)
    components.remark(f"Temperature: {temperatures}.")
    _figures(looked_at)
    if other:
        failures.by_reason(store, other)
    options = {"split": run.split, "student": run.student, "other": other or None}
    commands.show(store, command("health", teacher, **options, teacher_temperature=temperature))


def _verdict(health: TeacherHealth) -> None:
    components.notice(health.in_words, KINDS[health.fitness])
    for remark in health.remarks:
        components.remark(remark)


def _figures(looked_at: list[TeacherHealth]) -> None:
    """Show the figures of the teachers side by side: as a table, and drawn."""
    names = [name for name in FIGURES if any(name in health.figures for health in looked_at)]
    rows = [
        {"figure": name}
        | {health.teacher: str(health.figures.get(name, NOBODY)) for health in looked_at}
        | {"meaning": FIGURES[name]}
        for name in names
    ]
    # A teacher's name is longer than its figures, and the meanings need the room.
    narrow = {health.teacher: TextColumn(width=WIDTH) for health in looked_at}
    components.table(rows, "health-figures", "Figures of the teacher's health, with 95 % intervals", **narrow)
    left, right = components.columns("two-health-pictures", [1, 1])
    with left:
        components.picture(plots.health(*looked_at), "health-shares", "Shares and correlations, with 95 % intervals")
    with right:
        components.picture(
            plots.effective_passages(*looked_at), "health-passages", "Distribution of effective passages over queries"
        )
