"""Which students are mapped and by what method; where they are not yet, the button that starts it."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from workbench import jobs
from workbench.commands import command
from workbench.records import Run
from workbench.steps.compare.projection import encoded, kept
from workbench.steps.compare.projection.project import METHODS, Projection, project
from workbench.steps.compare.ranking.rerank import Reranking
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.store import Store
from workbench.students import BM25, architectures
from workbench.ui.shell import cache, commands, components, job_board, pickers

VERB = "project"
NONE = "none"
AT_ONCE = 20_000  # texts whose map a page makes by itself, if all of them are encoded


class Chosen(NamedTuple):
    """A student, the one before it or "", and the method of their map."""

    student: str
    before: str
    method: str

    @property
    def students(self) -> tuple[str, ...]:
        """Return the students in the order of their pictures."""
        return tuple(name for name in (self.before, self.student) if name)

    @property
    def command(self) -> list[str]:
        """Return the command that makes the map."""
        method = "" if self.method == "pca" else self.method
        return command(VERB, self.student, axes_of=self.before, method=method)


def choose(store: Store) -> Chosen:
    """Let a person choose a student, one before it, and a method; the newest one and its base are offered first."""
    names = _dense_students(store)
    newest = next((student for student in reversed(cache.trained(store)) if student.name in names), None)
    notes = st.container()
    left, right, third = components.columns("pickers-of-two", [3, 3, 1.2])
    with left:
        default = newest.name if newest else names[0]
        student = pickers.select("Student", names, "student", default, notes=notes)
    with right:
        base = newest.base if newest and newest.name == student and newest.base in names else NONE
        others = [NONE, *(name for name in names if name != student)]
        before = pickers.select("Before", others, "before", base, "Whose axes the map has.", notes)
    with third:
        method = pickers.select("Method", list(METHODS), "method", "pca", "; ".join(map(": ".join, METHODS.items())))
    return Chosen(student, "" if before == NONE else before, method)


def kept_projections(store: Store, chosen: Chosen) -> tuple[Projection, ...]:
    """Return the projections of the chosen students, in the order of their pictures; none if one is to be made."""
    state = kept.state(store, chosen.students)
    projections = [cache.projection(store, name, chosen.before, chosen.method, 0, state) for name in chosen.students]
    return tuple(one for one in projections if one) if all(projections) else ()


def made_projections(store: Store, chosen: Chosen) -> tuple[Projection, ...]:
    """Return the projections made here and now, where all vectors are there and that takes a moment; else none."""
    counts = cache.counts(store)
    if chosen.method != "pca" or counts.queries + counts.passages > AT_ONCE:
        return ()
    if not all(kept.local_fingerprint(store, name) and _is_encoded(store, name) for name in chosen.students):
        return ()
    with st.spinner("Making the map …"):
        return tuple(project(store, name, chosen.before) for name in chosen.students)


def _is_encoded(store: Store, student: str) -> bool:
    return not encoded.texts_to_encode(store, encoded.dense_encoder(store, student))


def offer(store: Store, chosen: Chosen) -> None:
    """Say that the map is to be made, and let a person start it as a job, which is followed."""
    running = any(job.state == "running" and job.verb == VERB for job in jobs.jobs(store))
    if not running:
        counts = cache.counts(store)
        components.empty(
            f"{' and '.join(chosen.students)} {'have' if chosen.before else 'has'} no map of the "
            f"{counts.queries:,} queries and {counts.passages:,} passages as they are now. Vectors that are not there "
            "yet are computed and kept.",
            commands.line(store, *chosen.command),
        )
        if st.button("Make the map", key="map-start", type="primary", icon=":material/play_arrow:"):
            jobs.start(store, chosen.command)
            st.rerun()
    job_board.of_verbs(store, [VERB])


def run_of(store: Store, student: str) -> Run | None:
    """Return a student's rankings: of test, else of another split; None where there are none."""
    runs = [run for run in cache.runs(store) if run.student == student]
    return min(runs, key=lambda run: pickers.splits(store).index(run.split), default=None)


def _dense_students(store: Store) -> list[str]:
    """Return the names of students that have one vector for a text, as far as their names and folders tell."""
    trained = cache.trained(store)
    others = {student.name for student in trained if architectures.architecture(student.path) != architectures.DENSE}
    evaluated = [run.student for run in cache.runs(store) if not run.imported and run.student != BM25]
    names = [name for name in evaluated if not Reranking.parse(name)]
    names += [name for student in trained for name in (student.base, student.name) if name]
    dense = [name for name in dict.fromkeys(names) if name not in others and not name.startswith(("sparse:", "multi:"))]
    return dense or [DEFAULT_STUDENT]
