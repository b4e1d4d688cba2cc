"""The command that lets a reader answer queries from first passages: read."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, ModelName, QueryLimit, Split, TemplateName, settings
from workbench.cli.session import Session
from workbench.readers import READERS, reader, reader_settings
from workbench.steps.compare.answers.read import ReadResult, read

_KINDS = "; ".join(f"`{name}`: {kind.about}" for name, kind in READERS.items())
_SETTINGS = "; ".join(f"`{name}` has {', '.join(s.name for s in reader_settings(name))}" for name in READERS)


def read_command(
    context: typer.Context,
    student: Annotated[list[str], typer.Argument(help="One or more students that were evaluated; `bm25` is one too.")],
    kind: Annotated[str, typer.Option("--reader", help=f"Which reader. {_KINDS}.")] = "completion",
    model: ModelName = "",
    template: TemplateName = "",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"A setting of the reader: `--set max_new_tokens=16`. {_SETTINGS}."),
    ] = None,
    depth: Annotated[int, typer.Option(min=1, help="How many of the first passages are read.")] = 5,
    split: Split = "test",
    limit: QueryLimit = None,
    json: Json = False,
) -> None:
    """Let a language model answer queries from each student's first passages: token F1 and exact match.

    Every finished batch is kept; run it again to go on where it stopped. Afterwards `evaluate`, `diff` and `students`
    know the measures F1 and EM, such as `--measure F1`.
    """
    session: Session = context.obj
    given = {name: value for name, value in (("model", model), ("template", template)) if value}
    chosen = reader(kind, **given, **settings(option))
    store = session.store()
    results: list[ReadResult] = []
    with output.progress(session.reporter):
        for name in student:
            results.append(read(store, name, chosen, depth, split, limit))
            if results[-1].interrupted:
                session.stopping = True
                break
    session.message = "\n".join(result.in_words for result in results)
    if json:
        output.as_json(results)
    else:
        output.line(session.message)
    if session.stopping:
        raise typer.Exit(130)
