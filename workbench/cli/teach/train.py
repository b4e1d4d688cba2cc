"""The command that trains a student: train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli import output
from workbench.cli.options import Json, TeacherTemperature, settings
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.losses import LOSSES
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.steps.teach.planning.plan import labels_in_words, plan
from workbench.steps.teach.planning.query_subset import ExampleFilter
from workbench.steps.teach.train import train
from workbench.students.methods import METHODS
from workbench.trainer import PRESETS, TrainSettings, preset
from workbench.trainer.resolved import LEARNING_RATE, SLOW, STATIC_LEARNING_RATE, USUAL

DEFAULTS = TrainSettings()
_BY_BASE = {name: f"{USUAL[name]}, or {SLOW[name]} for a transformer on a CPU" for name in USUAL}
_RANKS = ", ".join(f"{method.rank} of {name}" for name, method in METHODS.items() if method.rank)


def train_command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(help="The student to start from, by name or folder.")] = DEFAULT_STUDENT,
    teacher_name: Annotated[
        str,
        typer.Option(
            "--teacher", help="Whose utilities, by name or its beginning; `qrels`: relevance.", show_default=False
        ),
    ] = "",
    name: Annotated[str, typer.Option(help="The new student's name; unless given, made from its recipe.")] = "",
    method: Annotated[
        str, typer.Option(help=f"How the base becomes a student: {', '.join(METHODS)}.")
    ] = DEFAULTS.method,
    rank: Annotated[
        int | None, typer.Option(help=f"Rank of the low-rank change; unless given, {_RANKS}.", show_default=False)
    ] = None,
    loss: Annotated[
        str, typer.Option(help=f"{', '.join(LOSSES)}; or a sum: `utility_infonce + 0.2*infonce(alpha=0.6)`.")
    ] = DEFAULTS.loss,
    steps: Annotated[int, typer.Option(help="The most optimisation steps.")] = DEFAULTS.steps,
    minutes: Annotated[float | None, typer.Option(help="End after so many minutes.", show_default=False)] = None,
    batch_size: Annotated[
        int | None, typer.Option(help=f"Queries per step; unless given, {_BY_BASE['batch_size']}.", show_default=False)
    ] = None,
    candidates_: Annotated[
        int | None,
        typer.Option(
            "--candidates",
            help=f"Scored passages per query; unless given, {_BY_BASE['candidates']}.",
            show_default=False,
        ),
    ] = None,
    negatives: Annotated[
        int | None,
        typer.Option(help=f"Random negatives per query; unless given, {_BY_BASE['negatives']}.", show_default=False),
    ] = None,
    refresh: Annotated[
        int, typer.Option(help="Steps after which hard negatives are mined anew; 0: random ones.")
    ] = DEFAULTS.refresh,
    hard: Annotated[
        int, typer.Option(help="How many mined passages a query's negatives are drawn from.")
    ] = DEFAULTS.hard,
    curriculum: Annotated[
        float, typer.Option(help="Share of the steps in which queries come in the order of the teacher's certainty.")
    ] = DEFAULTS.curriculum,
    topics: Annotated[
        int | None,
        typer.Option(
            help=f"Topics that a step's queries come from; 0: all; unless given, {_BY_BASE['topics']}.",
            show_default=False,
        ),
    ] = None,
    accumulate: Annotated[
        int, typer.Option(help="Parts that a step's batch is split into, each with its own negatives.")
    ] = DEFAULTS.accumulate,
    chunk: Annotated[
        int | None,
        typer.Option(
            help="Texts read at once, with the whole batch's gradients; unless given, as many as are fast and fit.",
            show_default=False,
        ),
    ] = None,
    frozen_layers: Annotated[
        int, typer.Option(help="Lower layers of a transformer that are not trained, and the embeddings with them.")
    ] = DEFAULTS.frozen_layers,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            help="Tokens after which a transformer truncates texts in training; unless given, as long as 99 % of the "
            "passages are.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="`float32`, `bfloat16`, or `auto`: the faster, by a measurement.")
    ] = DEFAULTS.precision,
    dropout: Annotated[
        float | None, typer.Option(help="Share of a transformer's activations that training leaves out.")
    ] = DEFAULTS.dropout,
    teacher_temperature: TeacherTemperature = None,
    student_temperature: Annotated[float, typer.Option(help="Divides cosines.")] = DEFAULTS.student_temperature,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help=f"Unless given, {STATIC_LEARNING_RATE:g} for static students and {LEARNING_RATE:g} for others; some "
            "methods have their own.",
            show_default=False,
        ),
    ] = None,
    evaluate_every: Annotated[
        int, typer.Option(help="Steps between two evaluations on dev.")
    ] = DEFAULTS.evaluate_every,
    patience: Annotated[
        int, typer.Option(help="Evaluations on dev without a gain before it ends; 0: never.")
    ] = DEFAULTS.patience,
    seed: Annotated[
        int, typer.Option(help="With --deterministic the same seed gives the same student.")
    ] = DEFAULTS.seed,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same seed gives the same bytes; trains on one thread.")
    ] = DEFAULTS.deterministic,
    only: Annotated[
        str, typer.Option(help="`annotated`: only queries with verdicts, which override the teacher's utilities.")
    ] = "",
    queries: Annotated[
        Path | None, typer.Option(help="Only these queries: a file of ids, one a line.", show_default=False)
    ] = None,
    min_range: Annotated[
        float,
        typer.Option(
            help="Only queries whose highest and lowest utility lie at least so far apart, in the teacher's unit."
        ),
    ] = 0.0,
    preset_: Annotated[
        str, typer.Option("--preset", help=f"Settings to begin with: {', '.join(PRESETS)}; other options win.")
    ] = "",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"Any setting: `--set weight_decay=0.01`. Settings: {', '.join(vars(DEFAULTS))}."),
    ] = None,
    only_plan: Annotated[
        bool, typer.Option("--plan", help="Print the settings, the memory and the time it will take, and do not train.")
    ] = False,
    json: Json = False,
) -> None:
    """Train a student on the train split, keep its best checkpoint on dev, and save it as a model folder.

    Killed, the same command goes on from the last checkpoint. Ctrl-C ends it and keeps the best so far.
    """
    session: Session = context.obj
    options: dict[str, Any] = {
        "method": method, "rank": rank,
        "loss": loss, "steps": steps, "minutes": minutes, "batch_size": batch_size, "candidates": candidates_,
        "negatives": negatives, "refresh": refresh, "hard": hard, "curriculum": curriculum, "topics": topics,
        "accumulate": accumulate,
        "chunk": chunk, "max_tokens": max_tokens, "precision": precision, "dropout": dropout,
        "frozen_layers": frozen_layers,
        "teacher_temperature": teacher_temperature,
        "student_temperature": student_temperature, "learning_rate": learning_rate, "evaluate_every": evaluate_every,
        "patience": patience, "seed": seed, "deterministic": deterministic,
    }  # fmt: skip
    chosen = {name: value for name, value in options.items() if _is_given(context, name)}
    given = (preset(preset_) if preset_ else {}) | chosen | settings(option)
    if unknown := [key for key in given if not hasattr(DEFAULTS, key)]:
        raise BadSetting(f"Training has no setting {unknown[0]!r}.", f"It has: {', '.join(vars(DEFAULTS))}.")
    if only not in ("", "annotated"):
        raise BadSetting(f"--only {only} is not known.", "It can be `annotated`.")
    store = session.store()
    chosen_examples = ExampleFilter(bool(only), queries, min_range)
    planned = plan(store, student, teacher_name or None, TrainSettings(**given), name, chosen_examples)
    if only_plan:
        return session.finish(planned, planned.in_words, json)
    output.note(
        f"student {planned.name}, trained on {labels_in_words(planned.teacher)}, {len(planned.examples):,} queries"
    )
    if planned.estimate:
        output.note(planned.estimate.in_words(planned.settings))
    for caution in planned.cautions:
        output.note(caution)
    if session.reporter:
        session.reporter.student(planned.name)
    session.stop_softly()
    with output.progress(session.reporter) as listen:
        result = train(store, planned, listen, lambda: session.stopping)
    session.finish(result, result.in_words, json)
    session.suggest_next(store)


def _is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option was given, be it with its default."""
    source = context.get_parameter_source("candidates_" if name == "candidates" else name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")
