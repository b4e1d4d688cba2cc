"""What comes next on the walk from where a workspace stands: why, its command, and the button that starts it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench import jobs
from workbench.steps.data.next_step import next_command
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.store import Store
from workbench.students import BM25
from workbench.ui.shell import cache, commands, components, navigation
from workbench.ui.shell.verbs import score_form

# What each step of the walk is for.
WHY = {
    "ingest": "Bring in queries, passages and relevance judgements; or make a workspace from the bundled sample.",
    "split": "Give the queries splits: a student is trained on train, chosen on dev, and reported on test.",
    "candidates": "Choose the passages worth asking a teacher about.",
    "score": "Ask a teacher how useful each candidate is. The lexical one needs no model.",
    "train": "Train a student on the utilities; or, where queries have no answers to score with, on the qrels.",
    "evaluate": "Rank the passages for every test query, before and after, so that the two can be compared.",
    "diff": "See which queries were won and which were lost, then judge the hard cases.",
}
STARTED = {"split": "Split", "candidates": "Propose candidates", "evaluate": "Evaluate"}
PAGES = ("ingest", "train", "diff")


def offer(store: Store, arguments: Sequence[str] = ()) -> None:
    """Show the next step, or the command named instead, with what starts it: a button, a form or a link to its page."""
    following = next_command(store)
    arguments = list(arguments) or following
    verb = arguments[0]
    title = "Next" if verb == following[0] else "Needed here"
    with st.container(border=True):
        st.markdown(f":material/arrow_forward: **{title}: {verb}**")
        st.text(WHY[verb])
        if any(job.state == "running" and job.verb == verb for job in jobs.jobs(store)):
            components.remark("It is running; the sidebar shows how far it is.")
            return
        if verb == "score":
            started = score_form.form(store)
        else:
            for line in (arguments, *([["demo"]] if arguments[1:3] == ["beir", "FOLDER"] else [])):
                st.code(commands.line(store, *line), language="shell", wrap_lines=True)
            started = _started(arguments)
        if started:
            jobs.start(store, started)
            st.rerun()


def nothing_scored(store: Store, message: str) -> None:
    """Say that utilities are lacking, and offer the step that leads to them; or to a training without, on the qrels."""
    counts = cache.counts(store)
    if not counts.queries or not counts.passages:
        components.empty(message)
        offer(store)
    elif any(split.with_answers for split in counts.splits):
        components.empty(message)
        offer(store, ["score" if counts.candidates else "candidates"])
    else:
        components.empty(
            f"{message} No query has a reference answer, and most teachers need one: train on the qrels, or import "
            "scores.",
            commands.line(store, "ingest", "utilities", "FILE", "--teacher", "imported:NAME"),
        )
        offer(store)


def nothing_evaluated(store: Store, message: str) -> None:
    """Say that runs are lacking, and offer to make them, or what must come before."""
    components.empty(message)
    judged = any(split.split == "test" and split.judged for split in cache.counts(store).splits)
    offer(store, ["evaluate", BM25, DEFAULT_STUDENT] if judged else ())


def _started(arguments: list[str]) -> list[str] | None:
    """Offer what starts a command: its page, or a button; return its arguments if the button was pressed."""
    verb = arguments[0]
    if verb in PAGES:
        params = {"before": arguments[1], "after": arguments[2]} if verb == "diff" else {}
        navigation.link(verb, f"Go to {verb.title()}", **params)
        return None
    pressed = st.button(STARTED[verb], key=f"next-{verb}", type="primary", icon=":material/play_arrow:")
    return arguments if pressed else None
