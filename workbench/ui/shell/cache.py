"""Answers remembered until what they read changes: keyed by the workspace's path and a revision, no connection."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

from workbench import students
from workbench.steps.annotate.annotator_agreement import annotator_agreement as compare_annotators
from workbench.steps.compare.agreement.query_softmaxes import query_softmaxes as softmaxes_of
from workbench.steps.compare.agreement.teacher_agreement import teacher_agreement as compare_with_teacher
from workbench.steps.compare.answers.answers import judged_answers as judged_answers_of
from workbench.steps.compare.compare_runs import compare_runs as compare_many
from workbench.steps.compare.diff import diff as compare_two
from workbench.steps.compare.evaluate import Evaluation, measured_runs
from workbench.steps.compare.filters import ComparedQuery, compared_queries, frequent_first_words
from workbench.steps.compare.health.teacher_health import teacher_health as health_of
from workbench.steps.compare.leaderboard import Leaderboard
from workbench.steps.compare.leaderboard import leaderboard as leaderboard_of
from workbench.steps.compare.projection.project import Projection, kept_projection
from workbench.steps.compare.rank_similarity import displacement_to_teacher as compare_displacements
from workbench.steps.compare.rank_similarity import query_displacements
from workbench.steps.compare.rank_similarity import rank_similarity as compare_rankings
from workbench.steps.data.splits.leaks import known_leaks
from workbench.steps.data.workspace_settings import with_settings
from workbench.steps.teach.planning.candidate_fit import candidate_fit as fit_of
from workbench.store import ALL_BUT_ANNOTATIONS, MEASURED, TABLES, Store, Table, settings_of, views
from workbench.students import Student

P = ParamSpec("P")
R = TypeVar("R")

# What the tables of the overview show; the diff page shows all.
SHOWN_MEASURES = ("nDCG@10", "R@1", "R@5", "R@10")


@st.cache_data(max_entries=400, ttl="6h", show_spinner=False)
def _answer(
    _question: Callable[..., Any], key: tuple[str, str, int, dict[str, Any]], arguments: tuple[Any, ...], named: Any
) -> Any:
    return _question(with_settings(Store(key[1], opened=False), **key[3]), *arguments, **named)


# Every visitor gets the very rows, which nobody changes: a copy of a hundred thousand takes a second.
@st.cache_resource(max_entries=24, ttl="6h", show_spinner=False)
def _shared_answer(
    _question: Callable[..., Any], key: tuple[str, str, int, dict[str, Any]], arguments: tuple[Any, ...], named: Any
) -> Any:
    return _question(with_settings(Store(key[1], opened=False), **key[3]), *arguments, **named)


def forget() -> None:
    """Forget all answers."""
    _answer.clear()
    _shared_answer.clear()


def _remembered(
    question: Callable[Concatenate[Store, P], R],
    waiting: str = "",
    *,
    reads: Collection[Table] = ALL_BUT_ANNOTATIONS,
    answer: Callable[..., Any] = _answer,
) -> Callable[Concatenate[Store, P], R]:
    """Return `question` with a memory; `waiting` is shown while an answer takes more than a blink.

    It is asked anew once a table has changed that it `reads`. Every key of an annotator is a transaction, and every
    batch of a scoring job: what reads neither need not be asked again.
    """

    def ask(store: Store, /, *arguments: P.args, **named: P.kwargs) -> R:
        key = (
            f"{question.__module__}.{question.__qualname__}",
            str(store.path),
            store.changes().last(reads),
            store.overrides,
        )
        if not waiting:
            return answer(question, key, arguments, named)  # type: ignore[no-any-return]
        with st.spinner(waiting):
            return answer(question, key, arguments, named)  # type: ignore[no-any-return]

    return ask


def trained(store: Store) -> list[Student]:
    """Return the students that were trained in this workspace, oldest first; untrained bases are left out."""
    return [student for student in students.trained(store.students) if student.recipe.get("teacher")]


def leaderboard(store: Store, split: str, measure: str) -> Leaderboard:
    """Return the leaderboard; a student that was trained but not evaluated changes it, though not the database."""
    created = tuple((student.name, str(student.recipe.get("created"))) for student in trained(store))
    return _leaderboard(store, split, measure, created)


def _leaderboard_of(store: Store, split: str, measure: str, _created: tuple[tuple[str, str], ...]) -> Leaderboard:
    return leaderboard_of(store, split, measure)


def _evaluated(store: Store, split: str) -> list[Evaluation]:
    return measured_runs(store, views.runs(store, split), SHOWN_MEASURES)


def _compared(
    store: Store, runs: tuple[str, str], measure: str, split: str, by: str
) -> tuple[list[ComparedQuery], list[str]]:
    judged = diff(store, *runs, measure, split) if measure else None
    rows = compared_queries(judged, rank_similarity(store, *runs, by, split) if by else None)
    return rows, frequent_first_words(rows)


def _kept_projection(
    store: Store, student: str, axes_of: str, method: str, seed: int, _state: tuple[str | None, ...]
) -> Projection | None:
    return kept_projection(store, student, axes_of, method, seed)


counts = _remembered(views.counts, reads=TABLES)
settings = _remembered(settings_of)
grades = _remembered(views.grades, reads=MEASURED)
teachers = _remembered(views.teachers)
leaks = _remembered(known_leaks, reads=MEASURED)
candidate_fit = _remembered(fit_of)
usual_thresholds = _remembered(views.usual_thresholds)
teacher_unit = _remembered(views.teacher_unit)
median_spread = _remembered(views.median_spread)
teacher_health = _remembered(health_of, "Looking at the teacher's utilities, query by query …")
runs = _remembered(views.runs, reads=MEASURED)
read_runs = _remembered(views.read_runs, reads=MEASURED)
judged_answers = _remembered(judged_answers_of)
query = _remembered(views.query, reads=MEASURED)
queries = _remembered(views.queries, reads=MEASURED)
queries_with = _remembered(views.queries_with, reads=MEASURED)
neighbouring_queries = _remembered(views.neighbouring_queries)
hits = _remembered(views.hits, reads=MEASURED)
collection_fingerprint = _remembered(views.collection_fingerprint, reads=MEASURED)
tags = _remembered(views.tags, reads=MEASURED)
passages = _remembered(views.passages, reads=MEASURED)
first_places = _remembered(views.first_places)
histogram = _remembered(views.histogram)
density = _remembered(views.density)
sample_pairs = _remembered(views.sample_pairs)
quadrant_pairs = _remembered(views.quadrant_pairs, answer=_shared_answer)
region_pairs = _remembered(views.region_pairs, answer=_shared_answer)
ranking = _remembered(views.ranking)
movements = _remembered(views.movements)
utilities = _remembered(views.utilities)
failures = _remembered(views.failures)
failure_reasons = _remembered(views.failure_reasons)
hard_cases = _remembered(views.hard_cases, "Looking for hard cases …", answer=_shared_answer)
verdicts = _remembered(views.verdicts, reads=TABLES)
last_words = _remembered(views.last_words, reads=TABLES)
disputes = _remembered(views.disputes, reads=TABLES)
annotator_agreement = _remembered(compare_annotators, reads=TABLES)
evaluated = _remembered(_evaluated, "Measuring the runs, with intervals …", reads=MEASURED, answer=_shared_answer)
diff = _remembered(compare_two, "Comparing the two runs, query by query …", reads=MEASURED, answer=_shared_answer)
compared = _remembered(_compared, reads=MEASURED, answer=_shared_answer)
disagreements = _remembered(views.disagreements, answer=_shared_answer)
rank_similarity = _remembered(
    compare_rankings, "Comparing the two rankings, query by query …", reads=MEASURED, answer=_shared_answer
)
compare_runs = _remembered(compare_many, "Comparing the runs, query by query …", reads=MEASURED, answer=_shared_answer)
query_softmaxes = _remembered(softmaxes_of)
teacher_agreement = _remembered(
    compare_with_teacher, "Comparing with the teacher, query by query …", answer=_shared_answer
)
displacement_to_teacher = _remembered(compare_displacements, "Comparing the movements with the teacher's order …")
_leaderboard = _remembered(
    _leaderboard_of, "Measuring every student, and comparing each recipe with its base …", reads=MEASURED
)
displacements = _remembered(query_displacements)
projection = _remembered(_kept_projection)
drawn_points = _remembered(views.drawn_points, "Reading the map …", answer=_shared_answer)
annotated_points = _remembered(views.drawn_points, "Reading the map …", reads=TABLES)
query_points = _remembered(views.query_points)
texts_inside = _remembered(views.texts_inside)
