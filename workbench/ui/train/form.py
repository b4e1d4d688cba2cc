"""The form that starts a training: few questions at first, the rest folded, and the same line for the shell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from workbench.commands import command
from workbench.errors import WorkbenchError
from workbench.losses import LOSSES
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.planning.query_subset import ExampleFilter
from workbench.store import Store
from workbench.students import MINILM
from workbench.students.methods import METHODS
from workbench.trainer import PRESETS, TrainSettings
from workbench.ui.shell import cache, commands, components
from workbench.ui.train import losses, more_settings, start_values
from workbench.ui.train.start_values import StartValues

NO_PRESET = "none"
UNNAMED = ("warmup", "schedule", "weight_decay", "measure")  # settings that `workbench train` takes by --set alone


def form(store: Store, teachers: Sequence[str]) -> list[str] | None:
    """Show the settings of a training and its shell line; return the arguments if a person starts it."""
    with st.container(border=True):
        template = start_values.choose(store)
        base, teacher, loss = _base_teacher_loss(store, teachers, template)
        settings, preset = _method_and_preset(template)
        usual = TrainSettings(**PRESETS.get(preset, {}))
        begin = replace(template.settings, **PRESETS.get(preset, {}))
        # A preset has fields of its own, so that its numbers stand in them; so has a student whose settings are copied.
        like, suffix = template.suffix, template.suffix + ("" if preset == NO_PRESET else f"-{preset}")
        settings |= more_settings.length(begin, suffix, like)
        with st.expander("More settings", icon=":material/tune:"):
            sum_of_losses = "" if begin.loss in LOSSES else begin.loss
            settings |= (
                {"loss": more_settings.loss_sum(sum_of_losses, like) or loss}
                | more_settings.learning(str(settings["method"]), begin, suffix, like)
                | more_settings.passages(begin, suffix, like)
                | more_settings.layers(begin, suffix, like)
            )
            name = st.text_input("Name", key=f"name{like}", placeholder="made from its recipe", help="Of the student.")
            annotated = st.checkbox(
                "Train only on queries that people judged", key="only-annotated",
                help="Their settled verdicts override the teacher's utilities.",
            )  # fmt: skip
        # What the form does not ask for stays as it was.
        settings |= {name: value for name, value in vars(begin).items() if name not in settings}
        options = {**_options(settings, usual), "only": "annotated" if annotated else "", "name": (name or "").strip()}
        arguments = command("train", base, teacher=teacher, preset="" if preset == NO_PRESET else preset, **options)
        commands.show(store, arguments)
        if not (fit := cache.candidate_fit(store, base, teacher)).fits:
            components.advice(commands.on_this(store, fit.in_words))
        if error := _conflict(settings):
            components.failed(error.problem, error.hint)
        left, right = components.columns("start", [1, 3])
        started = left.button(
            "Start training", type="primary", icon=":material/play_arrow:", disabled=error is not None
        )
        if right.button("What will it take?", key="estimate", icon=":material/timer:", disabled=error is not None):
            only = ExampleFilter(annotated=annotated)
            _show_plan(store, (base, teacher), TrainSettings(**settings), only)
        if started:
            return arguments
    return None


def _show_plan(store: Store, names: Sequence[str], settings: TrainSettings, only: ExampleFilter) -> None:
    """Show which student a training would make, and the memory and time it would take; a transformer is measured."""
    base, teacher = names
    with st.spinner("Measuring a few texts…"):
        try:
            components.remark(plan(store, base, teacher, settings, only=only).in_words)
        except WorkbenchError as error:
            components.failed(error.problem, error.hint)


def _base_teacher_loss(store: Store, teachers: Sequence[str], template: StartValues) -> tuple[str, str, str]:
    """Ask for base, teacher and loss."""
    bases = [DEFAULT_STUDENT, MINILM, *(student.name for student in cache.trained(store))]
    if template.base not in bases:
        bases.append(template.base)
    left, middle, right = components.columns("three-who", [1, 1, 1])
    base = left.selectbox(
        "Student to start from", bases, bases.index(template.base), key=f"base{template.suffix}",
        accept_new_options=True,
        help="A static student trains in about a minute; a transformer is stronger and takes far longer on a CPU. "
        "You may type the path of any sentence-transformers folder.",
    )  # fmt: skip
    teacher = middle.selectbox(
        "Teacher", teachers, teachers.index(template.teacher) if template.teacher in teachers else 0,
        key=f"train-teacher{template.suffix}",
        help="Whose utilities it is trained on; `qrels` are people's judgements.",
    )  # fmt: skip
    loss = right.selectbox(
        "Loss", list(LOSSES), list(LOSSES).index(template.loss), key=f"loss{template.suffix}",
        help="What each rewards stands below.",
    )  # fmt: skip
    losses.explained(str(loss))
    return str(base), str(teacher), str(loss)


def _method_and_preset(template: StartValues) -> tuple[dict[str, Any], str]:
    """Ask for the method by which the base becomes a student, and for a preset."""
    left, right = components.columns("two-how", [1.6, 1])
    method = left.selectbox(
        "Method", list(METHODS), list(METHODS).index(template.settings.method), key=f"method{template.suffix}",
        help="What is trained, and what is saved.",
    )  # fmt: skip
    with left:
        components.remark(f"{method}: {METHODS[method].about}.")
    with right:
        preset = st.segmented_control(
            "Preset", [NO_PRESET, *PRESETS], default=NO_PRESET, key="preset", required=True,
            help="Settings to begin with.  \n" + "  \n".join(_described(name) for name in PRESETS),
        )  # fmt: skip
    return {"method": method}, str(preset)


def _described(preset: str) -> str:
    return f"`{preset}`: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in PRESETS[preset].items())


def _options(settings: Mapping[str, Any], usual: TrainSettings) -> dict[str, object]:
    """Return the settings that differ from the usual ones, those of the preset, as options of the shell."""
    changed = {name: value for name, value in settings.items() if value != getattr(usual, name)}
    assigned = {name: value for name, value in changed.items() if value is None or name in UNNAMED}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in assigned.items()}
    assignments = [f"{name}={text}" for name, text in texts.items()]
    return {**{name: value for name, value in changed.items() if name not in assigned}, "set": assignments}


def _conflict(settings: Mapping[str, Any]) -> WorkbenchError | None:
    """Return the error that the settings together would raise, if they do not go together."""
    try:
        TrainSettings(**settings)
    except WorkbenchError as error:
        return error
    return None
