"""Where a workspace stands on the walk, and which step comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from workbench.commands import command
from workbench.html.marking import html
from workbench.records import Run
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.store import Store
from workbench.store.views import Counts, TeacherCounts
from workbench.students import BM25
from workbench.ui.shell import cache, commands, components, navigation


class Stage(NamedTuple):
    """One step of the walk: is it done, why it is taken, and the commands or the page that take it."""

    name: str
    done: bool
    why: str
    commands: tuple[tuple[str, ...], ...] = ()
    page: str = ""


def summary(counts: Counts, teachers: Sequence[TeacherCounts], runs: Sequence[Run]) -> str:
    """Return what the workspace holds in a sentence."""
    by_id = counts.queries_by_id, counts.passages_by_id
    if not counts.passages and not counts.queries and not any(by_id):
        return "This workspace is empty."
    evaluated = len({run.student for run in runs})
    known_by_id = f" ({by_id[0]:,} more queries and {by_id[1]:,} more passages by id only)" if any(by_id) else ""
    return (
        f"{counts.queries:,} queries over {counts.passages:,} passages{known_by_id}; "
        f"{components.counted(len(teachers), 'teacher')} and {components.counted(evaluated, 'evaluated student')}."
    )


def next_step(store: Store, counts: Counts, runs: Sequence[Run]) -> None:
    """Show the walk with the steps done ticked off, and how to do the first that is not."""
    stages = _stages(store, counts, runs)
    following = next((stage for stage in stages if not stage.done), None)
    chips = "".join(_chip(stage, stage is following) for stage in stages)
    st.html(f'<div class="wb"><ol class="wb-walk" aria-label="The walk">{chips}</ol></div>')
    if not following:
        return
    with st.container(border=True):
        st.markdown(f":material/arrow_forward: **Next: {following.name}**")
        st.text(following.why)
        for arguments in following.commands:
            st.code(commands.line(store, *arguments), language="shell", wrap_lines=True)
        if following.page:
            navigation.link(following.page, f"Go to {following.page.title()}")


def _stages(store: Store, counts: Counts, runs: Sequence[Run]) -> list[Stage]:
    trained = [student.name for student in cache.trained(store)]
    ranked = {run.student for run in runs}
    unranked = [name for name in trained if name not in ranked]
    return [
        Stage(
            "ingest",
            bool(counts.passages and counts.queries),
            "Bring in queries, passages and relevance judgements; or make a workspace from the bundled sample.",
            (("ingest", "beir", "FOLDER"), ("demo",)),
        ),
        Stage(
            "candidates",
            bool(counts.candidates),
            "Choose the passages worth asking a teacher about.",
            (("candidates",),),
        ),
        Stage(
            "score",
            bool(counts.utilities),
            "Ask a teacher how useful each candidate is. The lexical one needs no model.",
            (("score", "--teacher", "lexical"),),
        ),
        Stage(
            "train",
            bool(trained),
            "Look where teacher and student disagree, then distil the utilities into the student.",
            (("train", DEFAULT_STUDENT),),
            "train",
        ),
        Stage(
            "evaluate",
            len(ranked) > 1 and not unranked,
            "Rank the passages for every test query, before and after, so that the two can be compared.",
            (tuple(command("evaluate", BM25, DEFAULT_STUDENT, *unranked)),),
        ),
        Stage("diff", bool(counts.annotations), "See which queries were won and which were lost.", (), "diff"),
        Stage("annotate", bool(counts.annotations), "Let a person judge the hard cases.", (), "annotate"),
    ]


def _chip(stage: Stage, following: bool) -> str:
    state, word = ("done", "done") if stage.done else ("next", "next") if following else ("later", "not yet")
    sign = {"done": "✓", "next": "→", "later": "·"}[state]
    return f'<li class="wb-{state}" title="{word}"><span aria-hidden="true">{sign}</span> {html(stage.name)}</li>'
