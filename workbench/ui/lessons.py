"""Training on a page: the form that starts one, and the report of a student that came out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from workbench import jobs, plots
from workbench.plots.look import AFTER, BEFORE
from workbench.steps.candidates import DEFAULT_STUDENT
from workbench.steps.train import history
from workbench.store import Store
from workbench.students import MINILM, Student
from workbench.students.kinds import KINDS
from workbench.trainer import TrainSettings
from workbench.ui import cached, parts, rooms

BASES = (DEFAULT_STUDENT, MINILM)
LOSSES = {
    "utility_infonce": "graded targets, and everything else in the batch as negatives",
    "infonce": "only the teacher's favourite counts",
    "kl": "match the teacher's distribution over the candidates alone",
}
DEFAULTS = TrainSettings()


def form(store: Store, teachers: Sequence[str]) -> list[str] | None:
    """Show the settings of a training and its shell line; return the arguments if a person starts it."""
    trained = [student.name for student in cached.trained(store)]
    with st.container(border=True):
        left, middle, right = st.columns([2, 2, 2])
        base = left.selectbox(
            "Student to start from", [*BASES, *trained], key="base", accept_new_options=True,
            help="A static student trains in about a minute; a transformer is stronger and takes far longer on a CPU. "
            "You may type the path of any sentence-transformers folder.",
        )  # fmt: skip
        teacher = middle.selectbox("Teacher", teachers, key="lesson-teacher", help="Whose utilities it learns from.")
        meanings = "  \n".join(f"`{name}`: {meaning}." for name, meaning in LOSSES.items())
        loss = right.selectbox("Loss", list(LOSSES), help=meanings, key="loss")
        options = {"kind": _kind(), "loss": loss} | _numbers()
        arguments = ["train", str(base), "--teacher", str(teacher), *_options(options)]
        if st.checkbox(
            "Learn only from queries that people judged", key="only-annotated",
            help="Their settled verdicts take the place of the teacher's utilities.",
        ):  # fmt: skip
            arguments += ["--only", "annotated"]
        st.caption("The same in the shell")
        st.code(
            shlex.join(["workbench", "--workspace", str(store.path), *arguments]), language="shell", wrap_lines=True
        )
        if st.button("Start training", type="primary", icon=":material/play_arrow:"):
            return arguments
    return None


def report(store: Store, student: Student) -> None:
    """Tell how a trained student was made and what came of it, a failure as plainly as a success."""
    with st.container(border=True):
        recipe, outcome = student.recipe, student.recipe.get("outcome", {})
        st.text(student.name)
        parts.remark(
            f"from {student.base}, taught by {recipe.get('teacher', 'an unknown teacher')}, "
            f"kind {recipe.get('kind', 'full')}, loss {recipe.get('loss', 'unknown')}"
        )
        if outcome:
            parts.numbers(
                parts.Number(f"{outcome['measure']} on dev, before", f"{outcome['dev_before']:.3f}", "step 0", BEFORE),
                parts.Number(
                    f"{outcome['measure']} on dev, best", f"{outcome['dev_after']:.3f}",
                    f"step {outcome['best_step']:,} of {outcome['steps']:,}", AFTER,
                ),
                parts.Number("Gain on dev", f"{outcome['dev_after'] - outcome['dev_before']:+.3f}", _verdict(outcome)),
                parts.Number("Time", parts.duration(outcome["seconds"]), _ENDS.get(outcome["stopped"], "")),
            )  # fmt: skip
        left, right = st.columns([3, 2])
        with left.expander("How the training went", icon=":material/show_chart:"):
            if lines := history(store, student.name):
                drawn = plots.history(lines, f"{outcome.get('measure', 'measure')} on dev")
                parts.picture(drawn, f"history-{student.name}", "Loss and dev measure by training step")
            else:
                parts.remark("Its history was not kept.")
        with right.expander("Recipe", icon=":material/receipt_long:"):
            st.json(dict(recipe), expanded=1)
        _next(store, student)


def _kind() -> str:
    """Return the kind of student that a person chooses."""
    chosen = st.selectbox(
        "Kind of student", list(KINDS), key="kind", format_func=lambda name: f"{name}: {KINDS[name].about}"
    )
    return str(chosen)


def _numbers() -> dict[str, Any]:
    first, second, third, fourth = st.columns(4)
    settings: dict[str, Any] = {
        "steps": first.number_input(
            "Steps", 1, 100_000, DEFAULTS.steps, key="steps", help="At most; it ends earlier without gain."
        ),
        "minutes": second.number_input(
            "Minutes", 0.1, 600.0, None, 1.0, key="minutes", placeholder="no limit", help="Ends earlier after so long."
        ),
        "teacher_temperature": third.number_input(
            "Teacher temperature", 0.01, 20.0, None, 0.1, key="teacher-temperature", placeholder="from the spread",
            help="Divides utilities. Low: only the best passage counts; high: all nearly alike.",
        ),
        "student_temperature": fourth.number_input(
            "Student temperature", 0.001, 1.0, DEFAULTS.student_temperature, 0.01, format="%.3f",
            key="student-temperature",
            help="Divides cosines.",
        ),
    }  # fmt: skip
    with st.expander("More settings"):
        first, second, third, fourth = st.columns(4)
        settings |= {
            "batch_size": first.number_input("Queries a step", 1, 1_024, DEFAULTS.batch_size, key="batch-size"),
            "candidates": second.number_input("Candidates a query", 2, 100, DEFAULTS.candidates, key="candidates"),
            "learning_rate": third.number_input(
                "Learning rate", 1e-7, 1.0, None, key="learning-rate", format="%.6f", placeholder="by kind of student",
                help="Unless given, 0.003 for a static student and 0.00003 for a transformer; some "
                "kinds have their own.",
            ),
            "rank": first.number_input(
                "Rank", 1, 4_096, None, key="rank", placeholder="by kind", help="Of lora and the adapters only."
            ),
            "seed": fourth.number_input("Seed", 0, 999_999, DEFAULTS.seed, key="seed", help="Same seed, same student."),
        }  # fmt: skip
    return settings


def _options(settings: Mapping[str, Any]) -> list[str]:
    """Return the settings that differ from the defaults as options of the shell."""
    changed = {
        name: value for name, value in settings.items() if value is not None and value != getattr(DEFAULTS, name)
    }
    return [
        part
        for name, value in changed.items()
        for part in (f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value))
    ]


def _verdict(outcome: Mapping[str, Any]) -> str:
    if outcome["best_step"] == 0:
        return "no gain: no step beat the base, so it holds the base's weights"
    return "chosen on dev; whether it holds on test, Diff tells"


_ENDS = {"budget": "ended by its budget", "patience": "no more gain on dev", "asked": "ended by a request to stop"}


def _next(store: Store, student: Student) -> None:
    known = {run.student for run in cached.runs(store, "test")}
    if missing := [name for name in (student.base, student.name) if name not in known]:
        parts.remark(f"Not evaluated on test yet: {' and '.join(missing)}.")
        if st.button("Evaluate on test", key=f"evaluate-{student.name}", icon=":material/straighten:"):
            jobs.start(store, ["evaluate", *missing, "--split", "test"])
            st.rerun()
    else:
        rooms.link("diff", "Compare with its base", before=student.base, after=student.name, split="test")
