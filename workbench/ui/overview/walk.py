"""Where a workspace stands on the walk, and which step comes next."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.html.marking import html
from workbench.records import Run
from workbench.results import counted
from workbench.steps.data.next_step import next_command
from workbench.store import Store
from workbench.store.views import Counts, TeacherCounts
from workbench.ui.shell import cache, next_step

STEPS = ("ingest", "candidates", "score", "train", "evaluate", "diff", "annotate")


def summary(counts: Counts, teachers: Sequence[TeacherCounts], runs: Sequence[Run]) -> str:
    """Return what the workspace holds in a sentence."""
    if not (counts.passages or counts.queries or counts.queries_by_id or counts.passages_by_id):
        return "This workspace is empty."
    evaluated = len({run.student for run in runs})
    known = ("more query", counts.queries_by_id), ("more passage", counts.passages_by_id)
    more = " and ".join(counted(count, noun) for noun, count in known if count)
    known_by_id = f" ({more} by id only)" if more else ""
    queries, passages = counted(counts.queries, "query"), counted(counts.passages, "passage")
    return (
        f"{queries} over {passages}{known_by_id}; "
        f"{counted(len(teachers), 'teacher')} and {counted(evaluated, 'evaluated student')}."
    )


def show(store: Store, counts: Counts, runs: Sequence[Run]) -> None:
    """Show the walk with the steps done ticked off, and what comes next."""
    done, arguments = _done(store, counts, runs), next_command(store)
    following = arguments[0]
    chips = "".join(_chip(step, step in done, step == following) for step in STEPS)
    st.html(f'<div class="wb"><ol class="wb-walk" aria-label="The walk">{chips}</ol></div>')
    if following in done and following != "ingest":  # of which more may be needed
        return
    next_step.offer(store, arguments)


def _done(store: Store, counts: Counts, runs: Sequence[Run]) -> set[str]:
    """Return the steps of the walk that were taken."""
    trained = [student.name for student in cache.trained(store)]
    ranked = {run.student for run in runs}
    taken = {
        "ingest": bool(counts.passages and counts.queries and counts.qrels),
        "candidates": bool(counts.candidates),
        "score": bool(counts.utilities),
        "train": bool(trained),
        "evaluate": len(ranked) > 1 and ranked.issuperset(trained),
        "diff": bool(counts.annotations),
        "annotate": bool(counts.annotations),
    }
    return {step for step, is_taken in taken.items() if is_taken}


def _chip(step: str, done: bool, following: bool) -> str:
    state, word = ("done", "done") if done else ("next", "next") if following else ("later", "not yet")
    sign = {"done": "✓", "next": "→", "later": "·"}[state]
    return f'<li class="wb-{state}" title="{word}"><span aria-hidden="true">{sign}</span> {html(step)}</li>'
