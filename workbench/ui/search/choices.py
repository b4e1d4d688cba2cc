"""What is searched for and by whom: a typed query or one of the collection's, students, and a teacher; in the link."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from workbench.direction import balanced
from workbench.records import Query
from workbench.steps.compare.searching.choices import searching_students, usual_students
from workbench.store import Store
from workbench.teachers import TEACHERS, teacher_settings
from workbench.ui.shell import cache, components, pickers, tables

TEXT, STUDENTS = "q", "students"  # of the link
CHARACTERS = 4_000  # of a typed query
NOBODY = "nobody"
MOST_RERANKED = 50


class TeacherChoice(NamedTuple):
    """A teacher by its kind and model, "" without one, and how many passages it puts in order."""

    kind: str
    model: str
    depth: int


def query(store: Store) -> Query | None:
    """Let a person type a query or take one of the collection's; None, with what to do said, while there is none."""
    known = pickers.linked_query(store)
    if known and TEXT not in st.session_state and TEXT not in st.query_params:
        st.session_state[TEXT] = known.text[:CHARACTERS]
    left, right = components.columns("pickers-query", [3, 1])
    with right:
        _picker(store)
    with left:
        text = st.text_input(
            "Query", key=TEXT, bind="query-params", max_chars=CHARACTERS, icon=":material/search:",
            placeholder="A question, then Enter", on_change=pickers.forget_query, label_visibility="collapsed",
        )  # fmt: skip
    if known and known.text[:CHARACTERS] == text:
        _neighbours(store, known)
    if not (text or "").strip():
        components.remark("Type a query and press Enter, or take one of the collection's.")
        return None
    return known if known and known.text[:CHARACTERS] == text else Query("", text or "")


def students(store: Store) -> list[str]:
    """Let a person choose who searches."""
    known = searching_students(store)
    for name in st.query_params.get_all(STUDENTS):
        if name not in known:
            components.stale(f"The link asks for “{name}” under “Students”, which is not there.")
    chosen = st.multiselect(
        "Students", known, usual_students(store), key=STUDENTS, bind="query-params",
        help="Each ranks all passages. A teacher re-ranks what the first one finds.",
    )  # fmt: skip
    if not chosen:
        components.remark("Choose at least one student to search with.")
    return chosen


def teacher() -> TeacherChoice | None:
    """Let a person choose a teacher that can be asked here, and how much it re-ranks."""
    left, middle, right = components.columns("pickers-of-search", [2, 2, 1])
    with left:
        kind = pickers.select("Re-ranked by", [NOBODY, *filter(_runs_here, TEACHERS)], "rerank", NOBODY)
    if kind == NOBODY:
        return None
    model = ""
    if any(setting.name == "model" for setting in teacher_settings(kind)):
        with middle:
            typed = st.text_input("Model", key="model", bind="query-params", help="By hub name or folder.")
            model = (typed or "").strip()
    with right:
        depth = st.number_input("Passages", 1, MOST_RERANKED, 20, key="first", bind="query-params")
    components.remark(f"{kind}: {TEACHERS[kind].about}.")
    if not model and any(setting.name == "model" and setting.required for setting in teacher_settings(kind)):
        components.remark("Name a model for the teacher.")
        return None
    return TeacherChoice(kind, model, int(depth))


def _runs_here(kind: str) -> bool:
    """Return whether a teacher needs no more than a model: none that asks a server, which costs."""
    return {setting.name for setting in teacher_settings(kind) if setting.required} <= {"model"}


def _picker(store: Store) -> None:
    with st.popover("Take one of the collection's", icon=":material/list:", width="stretch"):
        words = st.text_input("Words or id of a query", key="find")
        rows = cache.queries_with(store, (words or "").strip())
        lines = {row.query_id: f"{balanced(row.text)} ({balanced(row.query_id)})" for row in rows}

        st.selectbox(
            "Query", list(lines), None, format_func=lines.__getitem__, key="taken",
            on_change=lambda: _open(store, st.session_state["taken"]),
            placeholder=f"The first {len(lines):,} of them" if lines else "No query has these words",
        )  # fmt: skip


def _neighbours(store: Store, known: Query) -> None:
    """Lead to the queries before and after one of the collection, of its split: so do kept ones."""
    before, after, place, number = cache.neighbouring_queries(store, known.query_id)
    of = f"of {number:,} {f'in {known.split}' if known.split else 'without a split'}"
    tables.neighbours(pickers.QUERY, before, after, f"{place:,} {of}", lambda query_id: _open(store, query_id))


def _open(store: Store, query_id: str | None) -> None:
    if query_id:
        st.query_params[pickers.QUERY] = query_id
        st.session_state[TEXT] = cache.query(store, query_id).text[:CHARACTERS]
