"""The number inputs of the hard-case rules' thresholds, made from the table of rules."""

from __future__ import annotations

import math

import streamlit as st

from workbench.errors import BadSetting
from workbench.store import Store
from workbench.store.views import Threshold, Thresholds, known_thresholds
from workbench.ui.shell import cache, components

COLUMNS = 4


def threshold_inputs(store: Store, teacher: str) -> Thresholds:
    """Let a person move the thresholds of the rules; return those that are not the usual ones."""
    usual = cache.usual_thresholds(store, teacher)
    in_unit = components.in_unit(cache.teacher_unit(store, teacher))
    if teacher:
        components.remark(f"Thresholds of utilities are those of {teacher}{in_unit}.")
    columns = st.columns(COLUMNS)
    values = {
        name: _number_input(columns[place % COLUMNS], threshold, usual[name], teacher)
        for place, (name, threshold) in enumerate(known_thresholds().items())
    }
    return Thresholds(**{name: value for name, value in values.items() if value != usual[name]})


def _number_input(column: st.delta_generator.DeltaGenerator, threshold: Threshold, usual: float, teacher: str) -> float:
    """Show the field of one threshold; it is kept in the link where it was moved, and starts anew for each teacher."""
    number: type[float] = int if threshold.kind == "rank" else float
    low, high = (number(bound) if math.isfinite(bound) else None for bound in (threshold.low, threshold.high))
    step = {"rank": 1, "share": 0.05}.get(threshold.kind, 0.1)
    key = f"threshold-{threshold.name}-{teacher}"

    def put_in_link() -> None:
        if (moved := st.session_state[key]) == usual:
            st.query_params.pop(threshold.name, None)
        else:
            st.query_params[threshold.name] = f"{moved:.12g}"

    value: float = column.number_input(
        threshold.label, low, high, number(_linked(threshold, usual)), step, None if number is int else "%.4g",
        key=key, help=threshold.help, on_change=put_in_link,
    )  # fmt: skip
    return value


def _linked(threshold: Threshold, usual: float) -> float:
    """Return the value that the link asks for, if it is one, else the usual one."""
    wanted = st.query_params.get(threshold.name, "")
    try:
        return threshold.checked(float(wanted)) if wanted else usual
    except (ValueError, BadSetting):
        components.stale(f"The link asks for “{wanted}” as the threshold “{threshold.label}”, which it cannot be.")
        return usual
