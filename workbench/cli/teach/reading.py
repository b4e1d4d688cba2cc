"""The command that reads a teacher's likelihoods by another definition of utility: reading."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.steps.teach.read_utilities import Reading, read_utilities
from workbench.store.derived import DEFINITIONS, AnswersTaken

_DEFINITIONS = "; ".join(f"`{name}`: {one.about}, in {one.unit}" for name, one in DEFINITIONS.items())


def reading_command(
    context: typer.Context,
    teacher: Annotated[
        str, typer.Argument(help="Whose likelihoods, by name or its beginning; the only teacher unless given.")
    ] = "",
    definition: Annotated[str, typer.Option(help=f"What a utility is of an answer. {_DEFINITIONS}.")] = "mean",
    answers: Annotated[
        str,
        typer.Option(
            help="Of several reference answers: `best`, the largest utility; `mean`, their mean; `all`, that of all "
            "of them together."
        ),
    ] = "best",
    json: Json = False,
) -> None:
    """Read a teacher's likelihoods by another definition of utility, as a teacher of its own; no model is asked.

    Run it again after more was scored: only what is missing is added.
    """
    session: Session = context.obj
    store = session.store()
    with output.progress(session.reporter):
        result = read_utilities(store, teacher, Reading(definition, cast(AnswersTaken, answers)))
    session.finish(result, result.in_words, json)
