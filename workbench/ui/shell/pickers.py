"""Pickers whose choice lives in the page's address, as ids; a choice that a link names and is not there is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.errors import UnknownName
from workbench.evaluation.answers import AnswerMeasure
from workbench.evaluation.measures import MEASURES
from workbench.records import SPLITS, Query, Run
from workbench.steps.compare.answer_measures import answer_measures
from workbench.store import Store
from workbench.students import BM25
from workbench.ui.shell import cache, components, next_step

QUERY = "query"  # of the link
NO_SPLIT = "none"  # how the queries without a split are named on pages
GRADED = (("AP", ""), ("RR", ""), ("R", "@10"))


class Pair(NamedTuple):
    """One teacher and one run to compare it with; the teacher is "" where none has scored and none is needed."""

    teacher: str
    run: Run


class ChosenRuns(NamedTuple):
    """Two runs of one split, and the measure to compare them on."""

    before: Run
    after: Run
    split: str
    measure: str

    @property
    def students(self) -> tuple[str, str]:
        """Return the names of the two students."""
        return self.before.student, self.after.student


def select(
    label: str,
    options: Sequence[str],
    key: str,
    default: str = "",
    meaning: str = "",
    notes: DeltaGenerator | None = None,
) -> str:
    """Let a person choose one of `options`, bound to `?key=`; a link to something else is answered under `notes`."""
    with notes or st.container():
        _warn_of_unknown(label, options, key)
    index = options.index(default) if default in options else 0
    option = st.selectbox(label, options, index=index, key=key, bind="query-params", help=meaning or None)
    return option if option in options else options[index]


def segment(label: str, options: Mapping[str, str], key: str, default: str) -> str:
    """Let a person choose one of a few ids, shown by their labels, with the id (not the label) in the link."""
    _warn_of_unknown(label, list(options), key)
    wanted = st.query_params.get(key, "")
    name = f"segment-{key}"

    def put_in_link() -> None:
        st.query_params[key] = str(st.session_state[name])
        for row in ("query", "passage"):
            # What was open belongs to the old choice.
            st.query_params.pop(row, None)

    option = st.segmented_control(
        label, list(options), key=name, default=wanted if wanted in options else default, required=True,
        format_func=lambda option: options[option], on_change=put_in_link, label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    return str(option) if option in options else default


def pair(store: Store, *, newest: bool = False, without_teacher: bool = False) -> Pair | None:
    """Let a person choose teacher, split and student; None, with the reason shown, if there is nothing to choose from.

    Offers the untrained base first, or, with `newest`, the student that was evaluated last. Where no teacher has scored
    anything, a student can be chosen `without_teacher`.
    """
    teachers = scoring_teachers(store)
    if not teachers and not without_teacher:
        next_step.nothing_scored(store, "No teacher has scored anything yet.")
        return None
    if not cache.runs(store):
        next_step.nothing_evaluated(store, "No student has been evaluated yet.")
        return None
    notes = st.container()
    columns = components.columns("pickers", [3, 1, 3])
    with columns[1]:
        split = select_split(splits(store), notes)
    runs = {run.student: run for run in cache.runs(store, split)}
    with columns[0]:
        chosen_teacher = select("Teacher", teachers, "teacher", _fullest(store), notes=notes) if teachers else ""
        if not teachers:
            components.remark("No teacher has scored anything yet, so the rules that need utilities find nothing.")
    with columns[2]:
        base, trained = base_and_trained(store, list(runs.values()))
        student = select("Student", list(runs), "student", trained if newest else base, notes=notes)
    return Pair(chosen_teacher, runs[student])


def comparison(store: Store) -> ChosenRuns | None:
    """Let a person choose split, two students and a measure; None, with the reason shown, without two runs."""
    comparable = [split for split in splits(store) if len(cache.runs(store, split)) > 1]
    if not comparable:
        next_step.nothing_evaluated(
            store, "Two students must have been evaluated on the same split before they can be compared."
        )
        return None
    notes = st.container()
    columns = components.columns("pickers-of-two", [3, 3, 1.2, 1.4])
    with columns[2]:
        split = select_split(comparable, notes)
    runs = {run.student: run for run in cache.runs(store, split)}
    default_before, default_after = base_and_trained(store, list(runs.values()))
    with columns[0]:
        before = select("Before", list(runs), "before", default_before, notes=notes)
    with columns[1]:
        after = select("After", list(runs), "after", default_after, notes=notes)
    with columns[3]:
        measure = select(
            "Measure", measures(store, split, runs[before], runs[after]), "measure", "nDCG@10", notes=notes
        )
    if before == after:
        components.stale("Before and after are the same student; choose two.")
        return None
    return ChosenRuns(runs[before], runs[after], split, measure)


def measures(store: Store, split: str, *runs: Run) -> list[str]:
    """Return the usual measures, those of another grade where there are such qrels, and those of answers to all `runs`.

    Without `runs` these are the answers to any run of the split.
    """
    highest, level = max(cache.grades(store, split), default=0), cache.settings(store)
    others = [grade for grade in range(1, highest + 1) if grade != level.relevance]
    graded = [f"{name}(rel={grade}){depth}" for grade in others for name, depth in GRADED]
    of_answers = [
        name
        for name in answer_measures(cache.read_runs(store, split))
        if {run.run for run in runs} <= {run.run for run in measurable_runs(store, split, name)}
    ]
    return [*MEASURES, *graded, *of_answers]


def measurable_runs(store: Store, split: str, measure: str) -> list[Run]:
    """Return the runs of a split that have a measure: all of them, or those that its reader has read."""
    runs = cache.runs(store, split)
    if not (of_answers := AnswerMeasure.parse(measure)):
        return runs
    read_runs = cache.read_runs(store, split)
    read = {one.run for one in read_runs if (one.reader, one.depth) == (of_answers.reader, of_answers.depth)}
    return [run for run in runs if run.run in read]


def teacher(store: Store) -> str | None:
    """Return the teacher to show beside the rankings: by the link, else the one that has scored most."""
    teachers = scoring_teachers(store)
    wanted = st.query_params.get("teacher", "")
    return wanted if wanted in teachers else _fullest(store) if teachers else None


def scoring_teachers(store: Store) -> list[str]:
    """Return the teachers that have scored a pair."""
    return [counts.teacher for counts in cache.teachers(store) if counts.pairs]


def select_split(options: Sequence[str], notes: DeltaGenerator | None = None) -> str:
    """Let a person choose one of the splits, "" among them where queries without one were ranked."""
    return split_of(select("Split", [split_name(split) for split in options], "split", "test", notes=notes))


def split_name(split: str) -> str:
    """Return the name of a split on pages and in links."""
    return split or NO_SPLIT


def split_of(name: str) -> str:
    """Return the split of a name."""
    return "" if name == NO_SPLIT else name


def splits(store: Store) -> list[str]:
    """Return the splits on which a student was evaluated, test first."""
    evaluated = {run.split for run in cache.runs(store)}
    return [split for split in (*reversed(SPLITS), *sorted(evaluated - set(SPLITS))) if split in evaluated]


def base_and_trained(store: Store, runs: Sequence[Run]) -> tuple[str, str]:
    """Return the student trained last among `runs` and what it was trained from, as far as there are such."""
    evaluated = [run.student for run in runs]
    dense = [name for name in evaluated if name != BM25] or evaluated
    for student in reversed(cache.trained(store)):
        if student.name in dense and student.base in dense:
            return student.base, student.name
    return dense[0] if len(dense) > 1 else evaluated[0], dense[-1]


def linked_query(store: Store) -> Query | None:
    """Return the query that the link names; one that is not in the workspace is reported."""
    if not (query_id := st.query_params.get(QUERY, "")):
        return None
    try:
        return cache.query(store, query_id)
    except UnknownName:
        components.stale(f"The link names the query “{query_id}”, which is not in this workspace.")
        return None


def forget_query() -> None:
    """Take the query out of the link."""
    st.query_params.pop(QUERY, None)


def _warn_of_unknown(label: str, options: Sequence[str], key: str) -> None:
    wanted = st.query_params.get(key, "")
    if wanted and wanted not in options:
        components.stale(f"The link asks for “{wanted}” under “{label}”, which is not there. Showing another one.")


def _fullest(store: Store) -> str:
    return max(cache.teachers(store), key=lambda counts: counts.pairs).teacher
