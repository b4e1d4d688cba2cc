"""The form that starts a training: few questions at first, the rest folded, and the same line for the shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.losses import LOSSES, meaning
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.store import Store
from workbench.students import MINILM
from workbench.students.methods import METHODS
from workbench.trainer import PRESETS, TrainSettings
from workbench.ui.shell import cache, components

DEFAULTS = TrainSettings()
NO_PRESET = "none"


def form(store: Store, teachers: Sequence[str]) -> list[str] | None:
    """Show the settings of a training and its shell line; return the arguments if a person starts it."""
    with st.container(border=True):
        arguments, chosen = _who(store, teachers)
        settings, preset = _how()
        begin, own = TrainSettings(**PRESETS.get(preset, {})), "" if preset == NO_PRESET else f"-{preset}"
        settings |= _length(begin, own)
        if preset != NO_PRESET:
            arguments += ["--preset", preset]
        with st.expander("More settings", icon=":material/tune:"):
            settings |= (
                {"loss": _sum() or chosen} | _learning(str(settings["method"]), begin, own) | _passages(begin, own)
            )
            annotated = st.checkbox(
                "Learn only from queries that people judged", key="only-annotated",
                help="Their settled verdicts take the place of the teacher's utilities.",
            )  # fmt: skip
        arguments += _options(settings, begin) + (["--only", "annotated"] if annotated else [])
        st.caption("The same in the shell")
        line = shlex.join(["workbench", "--workspace", str(store.path), *arguments])
        st.code(line, language="shell", wrap_lines=True)
        if wrong := _wrong(settings, begin):
            components.failed(wrong.problem, wrong.hint)
        if st.button("Start training", type="primary", icon=":material/play_arrow:", disabled=wrong is not None):
            return arguments
    return None


def _who(store: Store, teachers: Sequence[str]) -> tuple[list[str], str]:
    """Ask who learns from whom, and by which loss; return the first arguments, and the loss."""
    trained = [student.name for student in cache.trained(store)]
    left, middle, right = components.columns("three-who", [1, 1, 1])
    base = left.selectbox(
        "Student to start from", [DEFAULT_STUDENT, MINILM, *trained], key="base", accept_new_options=True,
        help="A static student trains in about a minute; a transformer is stronger and takes far longer on a CPU. "
        "You may type the path of any sentence-transformers folder.",
    )  # fmt: skip
    teacher = middle.selectbox(
        "Teacher", teachers, key="lesson-teacher",
        help="Whose utilities it learns from; `qrels` are people's judgements.",
    )  # fmt: skip
    chosen = right.selectbox(
        "Loss", list(LOSSES), index=list(LOSSES).index(DEFAULTS.loss), key="loss",
        help="What is asked of the student.  \n" + "  \n".join(f"`{name}`: {meaning(name)}." for name in LOSSES),
    )  # fmt: skip
    return ["train", str(base), "--teacher", str(teacher)], str(chosen)


def _how() -> tuple[dict[str, Any], str]:
    """Ask by which method a student is made, and for a preset."""
    left, right = components.columns("two-how", [1.6, 1])
    method = left.selectbox(
        "Method", list(METHODS), index=list(METHODS).index(DEFAULTS.method), key="method",
        format_func=lambda name: f"{name}: {METHODS[name].about}", help="What of it is trained, and what is saved.",
    )  # fmt: skip
    with right:
        preset = st.segmented_control(
            "Preset", [NO_PRESET, *PRESETS], default=NO_PRESET, key="preset", required=True,
            help="Settings to begin with. `cpu`: at most two minutes for a static student; `gpu`: larger batches, "
            "more steps, bfloat16 (not tried on a GPU yet).",
        )  # fmt: skip
    return {"method": method}, str(preset)


def _length(begin: TrainSettings, own: str) -> dict[str, Any]:
    """Ask how long it may take; a preset has fields of its own, so that its numbers stand in them."""
    first, second, third, _ = _four("length")
    return {
        "steps": first.number_input(
            "Steps", 1, 100_000, begin.steps, key=f"steps{own}", help="At most; it ends earlier without gain."
        ),
        "minutes": second.number_input(
            "Minutes", 0.1, 600.0, begin.minutes, 1.0, key=f"minutes{own}", format="%g", placeholder="no limit",
            help="Ends earlier after so long.",
        ),
        "seed": third.number_input("Seed", 0, 999_999, begin.seed, key="seed", help="Same seed, same student."),
    }  # fmt: skip


def _sum() -> str:
    written = st.text_input(
        "A sum of losses, in place of the one above", key="loss-sum",
        placeholder="utility_infonce + 0.2*infonce(alpha=0.6)",
        help="Names of losses, each with a weight or with options in brackets where you like.",
    )  # fmt: skip
    return written.strip()


def _learning(method: str, begin: TrainSettings, own: str) -> dict[str, Any]:
    """Ask how sharp teacher and student are, how fast it learns, and for a rank where the method has one."""
    first, second, third, fourth = _four("learning")
    found = {
        "teacher_temperature": first.number_input(
            "Teacher temperature", 0.01, 20.0, None, 0.1, key="teacher-temperature", placeholder="from the spread",
            help="Divides utilities. Low: only the best passage counts; high: all nearly alike.",
        ),
        "student_temperature": second.number_input(
            "Student temperature", 0.001, 1.0, begin.student_temperature, 0.01, format="%.3f",
            key="student-temperature", help="Divides cosines.",
        ),
        "learning_rate": third.number_input(
            "Learning rate", 1e-7, 1.0, None, key="learning-rate", format="%g", placeholder="by method",
            help="Unless given, 0.002 for a static student and 0.00003 for a transformer; some methods have their own.",
        ),
        "batch_size": fourth.number_input("Queries a step", 1, 1_024, begin.batch_size, key=f"batch-size{own}"),
    }  # fmt: skip
    if (usual := METHODS[method].rank) is not None:
        found["rank"] = first.number_input(
            "Rank", 1, 4_096, None, key="rank", placeholder=f"{usual}",
            help="How many directions the change has: few learn less and cost less.",
        )  # fmt: skip
    return found


def _passages(begin: TrainSettings, own: str) -> dict[str, Any]:
    """Ask which passages a query is shown, and how a batch larger than memory is read."""
    first, second, third, fourth = _four("passages")
    found: dict[str, Any] = {
        "candidates": first.number_input(
            "Candidates a query", 2, 100, begin.candidates, key=f"candidates{own}", help="Scored passages, at most."
        ),
        "negatives": second.number_input(
            "Negatives a query", 0, 100, begin.negatives, key=f"negatives{own}",
            help="Other passages that a query is shown: random ones, or hard ones.",
        ),
        "refresh": third.number_input(
            "Steps between minings", 0, 100_000, begin.refresh, key="refresh",
            help="Steps after which the student searches anew for hard negatives, the passages it takes most wrongly "
            "for relevant; 0: negatives are random.",
        ),
        "hard": fourth.number_input(
            "Hard negatives", 1, 1_000, begin.hard, key="hard", disabled=not st.session_state.get("refresh"),
            help="The nearest so many of a query are drawn from; where they are mined.",
        ),
    }  # fmt: skip
    first, second, third, _ = _four("memory")
    return found | {
        "curriculum": first.number_input(
            "Curriculum", 0.0, 1.0, begin.curriculum, 0.1, key="curriculum", format="%g",
            help="Share of the steps that begins with the queries the teacher is surest of; 0: all from the start.",
        ),
        "accumulate": second.number_input(
            "Parts of a batch", 1, 64, begin.accumulate, key="accumulate",
            help="Splits a batch larger than memory; each part sees its own negatives only.",
        ),
        "chunk": third.number_input(
            "Texts read at once", 1, 10_000, None, key="chunk", placeholder="all",
            help="For transformers: the same gradients as all at once, in less memory and more time.",
        ),
    }  # fmt: skip


def _four(name: str) -> list[Any]:
    return components.columns(f"four-{name}", [1, 1, 1, 1])


def _options(settings: Mapping[str, Any], begin: TrainSettings) -> list[str]:
    """Return the settings that differ from those to begin with as options of the shell."""
    words: list[str] = []
    for name, value in settings.items():
        if value is None and getattr(begin, name) is not None:
            words += ["--set", f"{name}=null"]
        elif value != getattr(begin, name):
            words += [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
    return words


def _wrong(settings: Mapping[str, Any], begin: TrainSettings) -> WorkbenchError | None:
    """Return what keeps settings from going together, if anything does."""
    try:
        replace(begin, **settings)
    except WorkbenchError as wrong:
        return wrong
    return None
