"""The form that starts a scoring: which teacher, on which queries, and what it will take."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench import jobs
from workbench.commands import command
from workbench.records import SPLITS
from workbench.store import Store
from workbench.teachers import TEACHERS, teacher_settings
from workbench.ui.shell import cache, commands, components

ALL = "all"
USUAL = "lexical"  # the teacher of `workbench score` unless one is named


def form(store: Store) -> list[str] | None:
    """Ask for a teacher and its queries; return the arguments of the program if a person starts it."""
    answered = any(split.with_answers for split in cache.counts(store).splits)
    kinds = [name for name, kind in TEACHERS.items() if answered or not kind.needs_answers]
    left, right = components.columns("two-score", [1.6, 1])
    kind = left.selectbox(
        "Teacher", kinds, index=kinds.index(USUAL) if USUAL in kinds else 0, key="score-kind",
        format_func=lambda name: f"{name}: {TEACHERS[name].about}",
    )  # fmt: skip
    split = right.selectbox("Queries of", [ALL, *SPLITS], key="score-split")
    model, ready = _model(kind)
    assignments = _assignments(kind)
    limit = st.number_input(
        "Queries, at most", 1, None, None, key="score-limit", placeholder="all", help="The first so many, by id."
    )
    options = {
        "teacher": "" if kind == USUAL else kind,
        "model": model,
        "set": assignments,
        "split": "" if split == ALL else split,
        "limit": limit,
    }
    arguments = command("score", **options)
    commands.show(store, arguments)
    counts = [one for one in cache.counts(store).splits if split in (ALL, one.split)]
    components.remark(
        f"{sum(one.candidates for one in counts):,} candidate pairs at most; a teacher is not asked twice about a pair."
    )
    _estimate(store, [*arguments, "--estimate"], ready=ready)
    if st.button("Score", key="score-start", type="primary", icon=":material/play_arrow:", disabled=not ready):
        # Whoever has set a budget on this form and presses the button has said yes to it.
        return [*arguments, *(["--yes"] if any(one.startswith("max_cost=") for one in assignments) else [])]
    return None


def _model(kind: str) -> tuple[str, bool]:
    """Ask for the model where the teacher needs one; return it, and whether all that is needed is there."""
    if not any(setting.name == "model" for setting in teacher_settings(kind)):
        return "", True
    model = st.text_input(
        "Model", key="score-model", placeholder="Qwen/Qwen3-0.6B, or a folder", help="By hub name or folder."
    )
    return (model or "").strip(), bool((model or "").strip())


def _assignments(kind: str) -> list[str]:
    """Ask for settings of the teacher, a line each."""
    about = "  \n".join(f"`{setting.name}`: {setting.about}" for setting in teacher_settings(kind))
    with st.expander("Settings of the teacher", icon=":material/tune:"):
        text = st.text_area(
            "NAME=VALUE, a line each", key=f"score-set-{kind}", placeholder="normalisation=sum", height=80, help=about
        )
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _estimate(store: Store, arguments: Sequence[str], *, ready: bool) -> None:
    """Offer to measure what the scoring takes, in a process of its own, and show what the last measurement was."""
    asked = next((job for job in jobs.jobs(store) if list(job.arguments) == list(arguments)), None)
    if asked and asked.state != "running":
        components.remark(asked.message)
    if st.button(
        "What will it take?", key="score-estimate", icon=":material/timer:",
        disabled=not ready or bool(asked and asked.state == "running"),
        help="Scores some pairs to see how long they take, and keeps nothing of it.",
    ):  # fmt: skip
        jobs.start(store, arguments)
        st.rerun()
