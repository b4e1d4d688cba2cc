"""Where a workspace stands on the walk, and which step comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from workbench.html.marking import html
from workbench.records import Run
from workbench.store import Store
from workbench.store.views import Counts, TeacherCounts
from workbench.ui.shell import cache, navigation


class Stage(NamedTuple):
    """One step of the walk: is it done, and what does it; `room` is the page that does it, if one does."""

    name: str
    done: bool
    why: str
    commands: tuple[str, ...] = ()
    room: str = ""


def summary(held: Counts, teachers: Sequence[TeacherCounts], runs: Sequence[Run]) -> str:
    """Return the workspace in a sentence."""
    if not held.passages and not held.queries:
        return "This workspace is empty."
    evaluated = len({run.student for run in runs})
    return (
        f"{held.queries:,} queries over {held.passages:,} passages; {_counted(len(teachers), 'teacher')} and "
        f"{_counted(evaluated, 'evaluated student')}."
    )


def next_step(store: Store, held: Counts, runs: Sequence[Run]) -> None:
    """Show the walk with the steps done ticked off, and how to do the first that is not."""
    stages = _stages(store, held, runs)
    coming = next((stage for stage in stages if not stage.done), None)
    chips = "".join(_chip(stage, stage is coming) for stage in stages)
    st.html(f'<div class="wb"><ol class="wb-walk" aria-label="The walk">{chips}</ol></div>')
    if not coming:
        return
    with st.container(border=True):
        st.markdown(f":material/arrow_forward: **Next: {coming.name}**")
        st.text(coming.why)
        for command in coming.commands:
            st.code(command, language="shell", wrap_lines=True)
        if coming.room:
            navigation.link(coming.room, f"Go to {coming.room.title()}")


def _stages(store: Store, held: Counts, runs: Sequence[Run]) -> list[Stage]:
    trained = [student.name for student in cache.trained(store)]
    ranked = {run.student for run in runs}
    unseen = [name for name in trained if name not in ranked]
    base = "static:all-MiniLM-L6-v2"
    return [
        Stage(
            "ingest",
            bool(held.passages and held.queries),
            "Bring in queries, passages and relevance judgements; or make a workspace from the bundled sample.",
            ("workbench ingest beir FOLDER", "workbench demo"),
        ),
        Stage(
            "candidates",
            bool(held.candidates),
            "Choose the passages worth asking a teacher about.",
            ("workbench candidates",),
        ),
        Stage(
            "score",
            bool(held.utilities),
            "Ask a teacher how useful each candidate is. The lexical one needs no model.",
            ("workbench score --teacher lexical",),
        ),
        Stage(
            "train",
            bool(trained),
            "Look where teacher and student disagree, then teach the student.",
            (f"workbench train {base}",),
            "train",
        ),
        Stage(
            "evaluate",
            len(ranked) > 1 and not unseen,
            "Rank the passages for every test query, before and after, so that the two can be compared.",
            (f"workbench evaluate bm25 {base} {' '.join(unseen)}".strip(),),
        ),
        Stage("diff", bool(held.annotations), "See which queries were won and which were lost.", (), "diff"),
        Stage("annotate", bool(held.annotations), "Let a person judge the hard cases.", (), "annotate"),
    ]


def _chip(stage: Stage, coming: bool) -> str:
    state, word = ("done", "done") if stage.done else ("next", "next") if coming else ("later", "not yet")
    sign = {"done": "✓", "next": "→", "later": "·"}[state]
    return f'<li class="wb-{state}" title="{word}"><span aria-hidden="true">{sign}</span> {html(stage.name)}</li>'


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
