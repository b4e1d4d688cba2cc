"""The start of a sweep on a page: values of a few settings, checked as they are typed, and its shell line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.commands import command
from workbench.errors import WorkbenchError
from workbench.results import counted
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.store import Store
from workbench.students import MINILM
from workbench.trainer import Grid, TrainSettings, read_values
from workbench.ui.shell import cache, commands, components

EXAMPLE = "loss=utility_infonce,kl,infonce\nteacher_temperature=null,0.5"


def form(store: Store, teachers: Sequence[str]) -> list[str] | None:
    """Show what a sweep would try; return the arguments of the program if a person starts it."""
    trained = [student.name for student in cache.trained(store)]
    with st.container(border=True):
        left, middle = components.columns("two-sweep", [1, 1])
        base = left.selectbox(
            "Student to start from", [DEFAULT_STUDENT, MINILM, *trained], key="sweep-base", accept_new_options=True
        )
        teacher = middle.selectbox("Teacher", teachers, key="sweep-teacher")
        values = st.text_area(
            "Settings to try", EXAMPLE, key="sweep-grid", height=110,
            help="A line a setting, its values with commas between; every combination is trained. `null` leaves a "
            "setting open. Settings: " + ", ".join(f"`{name}`" for name in vars(TrainSettings())),
        )  # fmt: skip
        first, second, third, _ = components.columns("four-sweep", [1, 1, 1, 1])
        seeds = first.text_input("Seeds", "13,14,15", key="sweep-seeds", help="Each combination with each of them.")
        steps = second.number_input("Steps each", 1, 100_000, TrainSettings().steps, key="sweep-steps")
        minutes = third.number_input("Minutes each", 0.1, 600.0, None, key="sweep-minutes", placeholder="no limit")
        grid = [line.strip() for line in (values or "").splitlines() if line.strip()]
        budget = {"steps": steps, **({"minutes": minutes} if minutes else {})}
        try:
            wanted = [int(seed) for seed in (seeds or "").split(",") if seed.strip()]
            number = len(Grid(read_values(grid), wanted, budget).settings())
        except WorkbenchError as error:
            components.failed(error.problem, error.hint)
            return None
        except ValueError:
            components.failed(f"Seeds are whole numbers with commas between, not {seeds!r}.")
            return None
        values_of = [line if "(" in line else line.replace(" ", "") for line in grid]
        arguments = command(
            "sweep", str(base), teacher=str(teacher), grid=values_of, seeds=",".join(map(str, wanted)), **budget
        )
        commands.show(store, arguments)
        components.remark("Those that were trained before are not trained again. They are evaluated on test.")
        if st.button(
            f"Train {counted(number, 'student')}",
            type="primary",
            icon=":material/play_arrow:",
            key="sweep-start",
        ):
            return arguments
    return None
