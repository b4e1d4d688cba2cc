"""The number inputs of the hard-case rules' thresholds, made from the table of rules."""

from __future__ import annotations

import math

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.errors import BadSetting
from workbench.store import Store
from workbench.store.views import Threshold, Thresholds, known_thresholds
from workbench.ui.shell import cache, components

COLUMNS = 2


def threshold_inputs(store: Store, teacher: str, notes: DeltaGenerator) -> Thresholds:
    """Let a person move the thresholds of the rules; return those that are not the usual ones.

    What a link asks for and cannot be is answered under `notes`.
    """
    usual = cache.usual_thresholds(store, teacher)
    in_unit = components.in_unit(cache.teacher_unit(store, teacher))
    if teacher:
        components.remark(f"Thresholds of utilities are those of {teacher}{in_unit}.")
    known = known_thresholds()
    with notes:
        start = {name: _linked(threshold, usual[name]) for name, threshold in known.items()}
    columns = st.columns(COLUMNS)
    values = {
        name: _number_input(columns[place % COLUMNS], threshold, (usual[name], start[name]), teacher)
        for place, (name, threshold) in enumerate(known.items())
    }
    return Thresholds(**{name: value for name, value in values.items() if value != usual[name]})


def _number_input(
    column: DeltaGenerator, threshold: Threshold, usual_and_start: tuple[float, float], teacher: str
) -> float:
    """Show the field of one threshold; it is kept in the link where it was moved, and starts anew for each teacher."""
    usual, start = usual_and_start
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
        threshold.label, low, high, number(start), step, None if number is int else "%.4g",
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
