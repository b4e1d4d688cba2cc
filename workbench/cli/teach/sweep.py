"""The command that trains a student for every combination of settings: sweep."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli import output
from workbench.cli.options import Json, TeacherName, settings
from workbench.cli.session import Session
from workbench.errors import BadInput, BadSetting
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.steps.teach.sweep import NO_SPLIT, Attempt, sweep
from workbench.trainer import Grid, TrainSettings, read_values, settings_in_words

TABLES = "settings"
_SETTINGS = ", ".join(vars(TrainSettings()))


def sweep_command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(help="The student to start from, by name or folder.")] = DEFAULT_STUDENT,
    teacher: TeacherName = "",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            help="Values of a setting; of several settings every combination: `--grid loss=kl,infonce`. --set names "
            "the settings."
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help=f"A TOML file of tables [\\[{TABLES}]], each the settings of one training.", show_default=False
        ),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Train each with these seeds: `13,14,15`.")] = "",
    steps: Annotated[int | None, typer.Option(help="The most steps of each training.", show_default=False)] = None,
    minutes: Annotated[float | None, typer.Option(help="End each after so many minutes.", show_default=False)] = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same seeds give the same bytes; trains on one thread.")
    ] = False,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help=f"A setting that is the same for all: `--set batch_size=16`. Settings: {_SETTINGS}."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help=f"Evaluate on this split; `{NO_SPLIT}`: do not.")] = "test",
    json: Json = False,
) -> None:
    """Train a student for every combination of settings and seeds, one after another, and evaluate each.

    Killed or stopped with Ctrl-C, the same command goes on: what is trained already is not trained again. It ends with
    1 if every training failed.
    """
    session: Session = context.obj
    if bool(grid) == bool(file):
        raise BadSetting("A sweep needs either --grid or --file.", "Example: --grid loss=kl,infonce --seeds 13,14,15")
    shared = {name: value for name, value in (("steps", steps), ("minutes", minutes)) if value is not None}
    shared |= {"deterministic": True} if deterministic else {}
    shared |= settings(option)
    trainings = Grid(_tables(file) if file else read_values(grid or []), _seeds(seeds), shared)
    trainings.settings()  # a mistake in it is reported before the workspace is opened
    store = session.store()
    session.stop_softly()
    with output.progress(session.reporter) as listen:
        result = sweep(store, student, teacher or None, trainings, split, listen, lambda: session.stopping)
    if not json:
        output.table(
            ("student", "", "on dev", "seconds", "settings"),
            [(attempt.student, attempt.state, _dev(attempt), attempt.trained and attempt.trained.seconds,
              settings_in_words(attempt.settings)) for attempt in result.attempts],
        )  # fmt: skip
    session.finish(result, result.in_words, json)
    if result.failed:
        raise typer.Exit(1)


def _tables(file: Path) -> list[dict[str, Any]]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"This file cannot be read as TOML: {error}.", file) from error
    tables = document.get(TABLES)
    if (
        list(document) != [TABLES]
        or not isinstance(tables, list)
        or not all(isinstance(table, dict) for table in tables)
    ):
        raise BadInput(f"This is not a list of tables [[{TABLES}]] and nothing else.", file)
    return tables


def _seeds(text: str) -> list[int]:
    try:
        return [int(seed) for seed in text.split(",") if text.strip()]
    except ValueError as error:
        raise BadSetting(f"--seeds {text} is not a list of whole numbers.", "Example: --seeds 13,14,15") from error


def _dev(attempt: Attempt) -> str:
    if not (outcome := attempt.trained):
        return "–"
    return f"{outcome.measure} {outcome.dev_before:.3f} → {outcome.dev_after:.3f}"
