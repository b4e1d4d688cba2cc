"""The start of a reading on a page: who answers the queries of a split, from whose first passages."""

from __future__ import annotations

import streamlit as st

from workbench.commands import command
from workbench.readers import READERS
from workbench.results import counted
from workbench.store import Store
from workbench.ui.shell import cache, commands, components

DEPTH = 5


def form(store: Store, split: str) -> list[str] | None:
    """Show whose answers would be measured; return the arguments of the program if a person starts it.

    There is nothing to show where no query of the split has a reference answer.
    """
    with_answers = sum(counts.with_answers for counts in cache.counts(store).splits if counts.split == split)
    if not with_answers:
        return None
    components.heading("Measure answers")
    components.remark(
        f"A language model answers the {counted(with_answers, 'query')} of {split} that have "
        "reference answers, from each student's first passages; token F1 and exact match then stand beside the other "
        "measures, here and on Diff. What was answered before is not asked again."
    )
    with st.container(border=True):
        runs = cache.runs(store, split)
        read = {one.run for one in cache.read_runs(store, split)}
        students = st.multiselect(
            "Students to read", [run.student for run in runs], [run.student for run in runs if run.run not in read],
            key="read-students",
        )  # fmt: skip
        first, second, third = components.columns("pickers-read", [1, 2, 1])
        kind = first.selectbox("Reader", READERS, key="read-kind", help=_kinds())
        model = second.text_input("Model", key="read-model", placeholder="a hub name or a folder")
        depth = third.number_input("Passages", 1, 100, DEPTH, key="read-depth", help="How many of the first are read.")
        others = st.text_input(
            "Other settings", key="read-settings", placeholder="max_new_tokens=16 url=http://127.0.0.1:8000/v1",
            help="Settings of the reader as in `workbench read --set`, with spaces between.",
        )  # fmt: skip
        arguments = command(
            "read", *students, reader=kind, model=(model or "").strip(), depth=depth, split=split, set=others.split()
        )
        commands.show(store, arguments)
        if st.button(
            f"Read {counted(len(students), 'student')}", type="primary", icon=":material/play_arrow:",
            key="read-start", disabled=not (students and (model or "").strip()),
            help="Name a model and a student first." if not (students and (model or "").strip()) else None,
        ):  # fmt: skip
            return arguments
    return None


def _kinds() -> str:
    return "; ".join(f"`{name}`: {kind.about}" for name, kind in READERS.items())
