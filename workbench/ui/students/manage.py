"""Managing a student on a page: its name, a note and tags, its settings for another training, and its removal."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from workbench import jobs
from workbench.commands import command
from workbench.errors import WorkbenchError
from workbench.results import counted
from workbench.steps.ship.manage_students import delete_student, dependents, describe_student, rename_student
from workbench.store import Store
from workbench.students import Student
from workbench.ui.shell import commands, components, navigation


def offer(store: Store, student: Student) -> None:
    """Offer, folded, to describe, rename and remove a student; and, at once, to train it again otherwise."""
    navigation.link("train", "Train again with other settings", like=student.name)
    with st.expander("Name, note, tags, removal", icon=":material/edit:"):
        _describe(store, student)
        _rename(store, student)
        _remove(store, student)


def title(student: Student) -> str:
    """Return what tells a student from others of its kind: its name, seed and steps, and its tags."""
    settings, outcome = student.recipe.get("settings", {}), student.recipe.get("outcome", {})
    seed = settings.get("seed", student.recipe.get("seed"))
    steps = outcome.get("steps")
    planned = settings.get("steps")
    parts = [
        student.name,
        f"seed {seed}" if seed is not None else "",
        f"{steps:,} of {planned:,} steps" if steps is not None and planned else counted(steps, "step") if steps else "",
        *(f"#{tag}" for tag in _tags(student)),
    ]
    return " · ".join(filter(None, parts))


def _tags(student: Student) -> list[str]:
    tags = student.recipe.get("tags", [])
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


def _describe(store: Store, student: Student) -> None:
    note = st.text_area("Note", str(student.recipe.get("note", "")), key=f"note-{student.name}", height=80)
    tags = st.text_input("Tags, with commas between", ", ".join(_tags(student)), key=f"tags-{student.name}")
    if st.button("Keep note and tags", key=f"describe-{student.name}"):
        _try(lambda: describe_student(store, student.name, note or "", (tags or "").split(",")))


def _rename(store: Store, student: Student) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.text_input("Name", student.name, key=f"rename-{student.name}")
    unchanged = (name or "").strip() in ("", student.name)
    if right.button("Rename", key=f"renamed-{student.name}", disabled=unchanged):
        _try(lambda: _renamed(store, student.name, str(name)))


def _renamed(store: Store, old: str, new: str) -> None:
    jobs.must_not_be_running(store, old)
    rename_student(store, old, new)
    for name, value in list(st.query_params.items()):
        if value == old:  # a link goes on to name the one that is open
            st.query_params[name] = new.strip()


def _remove(store: Store, student: Student) -> None:
    if not st.toggle("Remove this student", key=f"remove-{student.name}"):
        return
    components.stale(dependents(store, student.name).in_words)
    commands.show(store, command("student", student.name, delete=True))
    if st.button("Remove for good", key=f"removed-{student.name}", icon=":material/delete_forever:"):
        _try(lambda: _removed(store, student.name))


def _removed(store: Store, name: str) -> None:
    jobs.must_not_be_running(store, name)
    delete_student(store, name)


def _try(change: Callable[[], object]) -> None:
    """Make a change and show the page anew; say why it cannot be made."""
    try:
        change()
    except WorkbenchError as error:
        components.failed(error.problem, error.hint)
    else:
        st.rerun()
