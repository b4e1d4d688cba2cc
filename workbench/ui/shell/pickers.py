"""Pickers whose choice lives in the page's address, as ids; what a link names and is not there is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.evaluation.measures import MEASURES
from workbench.records import SPLITS, Run
from workbench.store import Store
from workbench.ui.shell import cache, components

BM25 = "bm25"
GRADED = (("AP", ""), ("RR", ""), ("R", "@10"))


class Pair(NamedTuple):
    """One teacher and one run to hold against it."""

    teacher: str
    run: Run


class Comparison(NamedTuple):
    """Two runs of one split, and the measure to compare them on."""

    before: Run
    after: Run
    split: str
    measure: str


def one(
    label: str,
    options: Sequence[str],
    key: str,
    default: str = "",
    meaning: str = "",
    notes: DeltaGenerator | None = None,
) -> str:
    """Let a person choose one of `options`, bound to `?key=`; a link to something else is answered under `notes`."""
    with notes or st.container():
        _missed(label, options, key)
    index = options.index(default) if default in options else 0
    chosen = st.selectbox(label, options, index=index, key=key, bind="query-params", help=meaning or None)
    return chosen if chosen in options else options[index]


def segment(label: str, options: Mapping[str, str], key: str, default: str) -> str:
    """Let a person choose one of a few ids, shown by their labels, with the id (not the label) in the link."""
    _missed(label, list(options), key)
    wanted = st.query_params.get(key, "")
    name = f"segment-{key}"

    def chosen() -> None:
        st.query_params[key] = str(st.session_state[name])
        for opened in ("query", "passage"):
            # What was open belongs to the old choice.
            st.query_params.pop(opened, None)

    found = st.segmented_control(
        label, list(options), key=name, default=wanted if wanted in options else default, required=True,
        format_func=lambda option: options[option], on_change=chosen, label_visibility="collapsed",
    )  # fmt: skip
    return str(found) if found in options else default


def pair(store: Store, *, newest: bool = False) -> Pair | None:
    """Let a person choose teacher, split and student; None (and a word why) if there is nothing to choose from.

    Offers the untrained base first, or, with `newest`, the student that was evaluated last.
    """
    known = [found.teacher for found in cache.teachers(store) if found.pairs]
    if not known:
        components.empty(
            "No teacher has scored anything yet.", "workbench candidates", "workbench score --teacher lexical"
        )
        return None
    if not cache.runs(store):
        components.empty("No student has been evaluated yet.", "workbench evaluate bm25 static:all-MiniLM-L6-v2")
        return None
    notes = st.container()
    columns = components.columns("pickers", [3, 1, 3])
    with columns[1]:
        split = one("Split", splits(store), "split", "test", notes=notes)
    found = {run.student: run for run in cache.runs(store, split)}
    with columns[0]:
        teacher = one("Teacher", known, "teacher", _fullest(store), notes=notes)
    with columns[2]:
        base, trained = base_and_trained(store, list(found.values()))
        student = one("Student", list(found), "student", trained if newest else base, notes=notes)
    return Pair(teacher, found[student])


def comparison(store: Store) -> Comparison | None:
    """Let a person choose split, two students and a measure; None (and a word why) without two runs of a split."""
    comparable = [split for split in splits(store) if len(cache.runs(store, split)) > 1]
    if not comparable:
        components.empty(
            "Two students must have been evaluated on the same split before they can be compared.",
            "workbench evaluate bm25 static:all-MiniLM-L6-v2",
        )
        return None
    notes = st.container()
    columns = components.columns("pickers-of-two", [3, 3, 1.2, 1.4])
    with columns[2]:
        split = one("Split", comparable, "split", "test", notes=notes)
    found = {run.student: run for run in cache.runs(store, split)}
    before_default, after_default = base_and_trained(store, list(found.values()))
    with columns[0]:
        before = one("Before", list(found), "before", before_default, notes=notes)
    with columns[1]:
        after = one("After", list(found), "after", after_default, notes=notes)
    with columns[3]:
        measure = one("Measure", measures(store, split), "measure", "nDCG@10", notes=notes)
    if before == after:
        components.stale("Before and after are the same student; choose two.")
        return None
    return Comparison(found[before], found[after], split, measure)


def measures(store: Store, split: str) -> list[str]:
    """Return the usual measures, and those that ask for a higher grade where there are such qrels."""
    most = max((qrel.relevance for qrel in cache.qrels(store, split)), default=0)
    graded = [f"{name}(rel={grade}){depth}" for grade in range(2, most + 1) for name, depth in GRADED]
    return [*MEASURES, *graded]


def teacher(store: Store) -> str | None:
    """Return the teacher to show beside the rankings: by the link, else the one that has scored most."""
    known = [found.teacher for found in cache.teachers(store) if found.pairs]
    wanted = st.query_params.get("teacher", "")
    return wanted if wanted in known else _fullest(store) if known else None


def row(ids: Sequence[str], rows: Sequence[dict[str, object]], key: str, version: str, **columns: Any) -> str | None:
    """Show a table, let a person choose a row, and return the id it stands for, kept in the link as `?key=`.

    Selected rows are positions, and positions outlive the data they were chosen from: they become an id in the run
    that showed them, and a new table (another `version`) starts without any.
    """
    if not ids:
        return None
    name = f"table-{key}-{version}"
    wanted = st.query_params.get(key, "")
    place = ids.index(wanted) if wanted in ids else 0
    selected = {"selection": {"rows": [place], "columns": [], "cells": []}}
    if _rows(name) != [place]:
        st.session_state[name] = selected
    st.dataframe(
        list(rows),
        hide_index=True,
        key=name,
        height=min(38 + 35 * len(rows), 318),
        on_select=_choose(key, name, tuple(ids)),
        selection_mode="single-row-required",
        column_config=columns or None,
        alt="Selecting a row opens it below",
    )
    return ids[place]


def steps(ids: Sequence[str], chosen: str, key: str) -> None:
    """Offer the previous and the next row, by button and by arrow key."""
    place = ids.index(chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, shift, shortcut in (("Previous", -1, "Left"), ("Next", 1, "Right")):
            target = place + shift
            inside = 0 <= target < len(ids)
            st.button(
                label,
                key=f"step-{key}-{shift}",
                shortcut=shortcut,
                disabled=not inside,
                on_click=_go,
                args=(key, ids[target] if inside else chosen),
            )
        components.remark(f"{place + 1:,} of {len(ids):,}")


def unknown(ids: Sequence[str], key: str, what: str) -> None:
    """Say so if the link names a row that is not among `ids`."""
    wanted = st.query_params.get(key, "")
    if wanted and wanted not in ids:
        components.stale(f"The link names the {what} “{wanted}”, which is not in this list. Showing the first one.")


def _missed(label: str, options: Sequence[str], key: str) -> None:
    wanted = st.query_params.get(key, "")
    if wanted and wanted not in options:
        components.stale(f"The link asks for “{wanted}” under “{label}”, which is not there. Showing another one.")


def _choose(key: str, name: str, ids: tuple[str, ...]) -> Callable[[], None]:
    def chosen() -> None:
        rows = _rows(name)
        if rows and rows[0] < len(ids):
            _go(key, ids[rows[0]])

    return chosen


def _rows(name: str) -> list[int]:
    state = st.session_state.get(name) or {}
    return list(state.get("selection", {}).get("rows", []))


def _go(key: str, target: str) -> None:
    st.query_params[key] = target


def splits(store: Store) -> list[str]:
    """Return the splits on which a student was evaluated, test first."""
    found = {run.split for run in cache.runs(store)}
    return [split for split in (*reversed(SPLITS), *sorted(found - set(SPLITS))) if split in found]


def _fullest(store: Store) -> str:
    return max(cache.teachers(store), key=lambda found: found.pairs).teacher


def base_and_trained(store: Store, runs: Sequence[Run]) -> tuple[str, str]:
    """Return the student trained last among `runs` and what it was trained from, as far as there are such."""
    evaluated = [run.student for run in runs]
    dense = [name for name in evaluated if name != BM25] or evaluated
    for student in reversed(cache.trained(store)):
        if student.name in dense and student.base in dense:
            return student.base, student.name
    return dense[0] if len(dense) > 1 else evaluated[0], dense[-1]
