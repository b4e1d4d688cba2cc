"""The command that proposes passages to score: candidates."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Address, EngineName, EngineSettings, Json, OptionalSplit, Shards, engine_of
from workbench.cli.session import Session
from workbench.steps.teach.candidates import DEFAULT_STUDENT, candidates


def candidates_command(
    context: typer.Context,
    depth: Annotated[
        int, typer.Option(min=1, help="How many passages BM25 and the student each propose for a query.")
    ] = 20,
    student: Annotated[str, typer.Option(help="Which student proposes beside BM25.")] = DEFAULT_STUDENT,
    split: OptionalSplit = None,
    engine: EngineName = "local",
    address: Address = "",
    shards: Shards = "",
    on: EngineSettings = None,
    json: Json = False,
) -> None:
    """Choose the passages worth asking a teacher about: top of BM25, top of a student, and the qrels."""
    session: Session = context.obj
    where = engine_of(engine, address, shards, on)
    store = session.store()
    with output.progress(session.reporter) as listen:
        result = candidates(store, student, depth, split, listen, where)
    session.finish(result, result.in_words, json)
    session.suggest_next(store)
