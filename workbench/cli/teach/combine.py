"""The command that combines teachers to an ensemble: combine."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.steps.teach.combine import combine
from workbench.store.derived import NORMALISATIONS


def combine_command(
    context: typer.Context,
    teachers: Annotated[list[str], typer.Argument(help="Two teachers or more, by name or its beginning.")],
    weights: Annotated[
        str, typer.Option(help="A weight for each, in this order: `2,1`. All 1 unless given.", show_default=False)
    ] = "",
    normalisation: Annotated[
        str,
        typer.Option(help=f"To which scale a query's utilities are brought: {', '.join(NORMALISATIONS)}."),
    ] = "z-score",
    json: Json = False,
) -> None:
    """Combine teachers that have scored already to an ensemble, which is a teacher of its own.

    It has the pairs that all of them have scored. Run it again after more was scored.
    """
    session: Session = context.obj
    store = session.store()
    with output.progress(session.reporter):
        result = combine(store, teachers, _numbers(weights), normalisation)
    session.finish(result, result.in_words, json)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")] if text else []
    except ValueError as error:
        raise BadSetting(f"--weights {text} is not a list of numbers.", "Example: --weights 2,1") from error
