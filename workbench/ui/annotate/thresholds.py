"""The number inputs of the hard-case rules' thresholds, made from the table of rules."""

from __future__ import annotations

import math

import streamlit as st

from workbench.store import Store
from workbench.store.views import Threshold, Thresholds, known_thresholds
from workbench.ui.shell import cache

COLUMNS = 4


def threshold_inputs(store: Store, teacher: str) -> Thresholds:
    """Let a person move the thresholds of the rules; return those that are not the usual ones."""
    usual = cache.usual_thresholds(store, teacher)
    columns = st.columns(COLUMNS)
    values = {
        name: _number_input(columns[place % COLUMNS], threshold, usual[name])
        for place, (name, threshold) in enumerate(known_thresholds().items())
    }
    return Thresholds(**{name: value for name, value in values.items() if value != usual[name]})


def _number_input(column: st.delta_generator.DeltaGenerator, threshold: Threshold, usual: float) -> float:
    number: type[float] = int if threshold.kind == "rank" else float
    low, high = (number(bound) if math.isfinite(bound) else None for bound in (threshold.low, threshold.high))
    step = {"rank": 1, "share": 0.05}.get(threshold.kind, 0.1)
    value: float = column.number_input(
        threshold.label, low, high, number(usual), step, None if number is int else "%.4g",
        key=threshold.name, help=threshold.help,
    )  # fmt: skip
    return value
