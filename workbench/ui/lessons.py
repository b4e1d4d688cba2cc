"""Training on a page: the form that starts one, and the report of a student that came out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from workbench import jobs, plots
from workbench.errors import WorkbenchError
from workbench.losses import LOSSES, meaning
from workbench.losses import loss as loss_written
from workbench.plots.look import AFTER, BEFORE
from workbench.steps.candidates import DEFAULT_STUDENT
from workbench.steps.train import history
from workbench.store import Store
from workbench.students import MINILM, Student
from workbench.students.kinds import KINDS
from workbench.trainer import PRESETS, TrainSettings
from workbench.ui import cached, parts, rooms, taking

BASES = (DEFAULT_STUDENT, MINILM)
DEFAULTS = TrainSettings()
NO_PRESET = "none"


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
        teacher = middle.selectbox(
            "Teacher",
            teachers,
            key="lesson-teacher",
            help="Whose utilities it learns from; `qrels` are people's judgements.",
        )
        chosen = right.selectbox(
            "Loss", list(LOSSES), index=list(LOSSES).index(DEFAULTS.loss), key="loss",
            help="  \n".join(f"`{name}`: {meaning(name)}." for name in LOSSES),
        )  # fmt: skip
        written = right.text_input(
            "Or a sum of losses", key="loss-sum", placeholder="utility_infonce + 0.2*infonce(alpha=0.6)",
            help="Names, each with a weight or with options in brackets where you like, in place of the loss above.",
        )  # fmt: skip
        loss = written.strip() or chosen
        preset = str(
            st.segmented_control(
                "Preset", [NO_PRESET, *PRESETS], default=NO_PRESET, key="preset", required=True,
                help="Settings to begin with. `cpu`: at most two minutes for a static student; `gpu`: larger batches, "
                "more steps, bfloat16 (not tried on a GPU yet).",
            )
        )  # fmt: skip
        begin = TrainSettings(**PRESETS.get(preset, {}))
        options = {"loss": loss} | _numbers(begin, "" if preset == NO_PRESET else f"-{preset}")
        arguments = ["train", str(base), "--teacher", str(teacher)]
        if preset != NO_PRESET:
            arguments += ["--preset", preset]
        arguments += _options(options, begin)
        if st.checkbox(
            "Learn only from queries that people judged", key="only-annotated",
            help="Their settled verdicts take the place of the teacher's utilities.",
        ):  # fmt: skip
            arguments += ["--only", "annotated"]
        st.caption("The same in the shell")
        st.code(
            shlex.join(["workbench", "--workspace", str(store.path), *arguments]), language="shell", wrap_lines=True
        )
        if wrong := _wrong(loss):
            parts.failed(wrong.problem, wrong.hint)
        if st.button("Start training", type="primary", icon=":material/play_arrow:", disabled=wrong is not None):
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
        taking.away(store, student)


def _wrong(loss: str) -> WorkbenchError | None:
    """Return what keeps a loss from being one, if anything does."""
    try:
        loss_written(loss)
    except WorkbenchError as wrong:
        return wrong
    return None


def _kind() -> str:
    """Return the kind of student that a person chooses."""
    chosen = st.selectbox(
        "Kind of student", list(KINDS), key="kind", format_func=lambda name: f"{name}: {KINDS[name].about}"
    )
    return str(chosen)


def _numbers(begin: TrainSettings, suffix: str) -> dict[str, Any]:
    """Show the settings to begin with; a preset has fields of its own, so that its numbers stand in them."""
    first, second, third, fourth = st.columns(4)
    settings: dict[str, Any] = {
        "steps": first.number_input(
            "Steps", 1, 100_000, begin.steps, key=f"steps{suffix}", help="At most; it ends earlier without gain."
        ),
        "minutes": second.number_input(
            "Minutes", 0.1, 600.0, begin.minutes, 1.0, key=f"minutes{suffix}", placeholder="no limit",
            help="Ends earlier after so long.",
        ),
        "teacher_temperature": third.number_input(
            "Teacher temperature", 0.01, 20.0, None, 0.1, key="teacher-temperature", placeholder="from the spread",
            help="Divides utilities. Low: only the best passage counts; high: all nearly alike.",
        ),
        "student_temperature": fourth.number_input(
            "Student temperature", 0.001, 1.0, begin.student_temperature, 0.01, format="%.3f",
            key="student-temperature",
            help="Divides cosines.",
        ),
    }  # fmt: skip
    with st.expander("More settings"):
        first, second, third, fourth = st.columns(4)
        settings |= {
            "batch_size": first.number_input("Queries a step", 1, 1_024, begin.batch_size, key=f"batch-size{suffix}"),
            "candidates": second.number_input(
                "Candidates a query", 2, 100, begin.candidates, key=f"candidates{suffix}"
            ),
            "learning_rate": third.number_input(
                "Learning rate", 1e-7, 1.0, None, key="learning-rate", format="%.6f", placeholder="by kind of student",
                help="Unless given, 0.002 for a static student and 0.00003 for a transformer; some "
                "kinds have their own.",
            ),
            "rank": first.number_input(
                "Rank", 1, 4_096, None, key="rank", placeholder="by kind", help="Of lora and the adapters only."
            ),
            "seed": fourth.number_input("Seed", 0, 999_999, begin.seed, key="seed", help="Same seed, same student."),
            "negatives": first.number_input(
                "Negatives a query", 0, 100, begin.negatives, key=f"negatives{suffix}",
                help="Other passages that a query is shown: random ones, or hard ones.",
            ),
            "refresh": second.number_input(
                "Mine hard negatives every", 0, 100_000, begin.refresh, key="refresh",
                help="Steps after which the student searches anew for the passages it takes most wrongly for relevant; "
                "0: negatives are random.",
            ),
            "hard": third.number_input(
                "Hard negatives to draw from", 1, 1_000, begin.hard, key="hard", help="The nearest so many of a query."
            ),
            "curriculum": fourth.number_input(
                "Curriculum", 0.0, 1.0, begin.curriculum, 0.1, key="curriculum",
                help="Share of the steps that begins with the queries the teacher is surest of; 0: all from the start.",
            ),
            "accumulate": first.number_input(
                "Parts of a batch", 1, 64, begin.accumulate, key="accumulate",
                help="Splits a batch larger than memory; each part sees its own negatives only.",
            ),
            "chunk": second.number_input(
                "Texts read at once", 1, 10_000, None, key="chunk", placeholder="all",
                help="For transformers: the same gradients as all at once, in less memory and more time.",
            ),
        }  # fmt: skip
    return settings


def _options(settings: Mapping[str, Any], begin: TrainSettings) -> list[str]:
    """Return the settings that differ from those to begin with as options of the shell."""
    words: list[str] = []
    for name, value in settings.items():
        if value is None and getattr(begin, name) is not None:
            words += ["--set", f"{name}=null"]
        elif value != getattr(begin, name):
            words += [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
    return words


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
