"""The command that ranks and measures: evaluate."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Split
from workbench.cli.session import Session
from workbench.steps.compare.evaluate import Evaluation, evaluate


def evaluate_command(
    context: typer.Context,
    student: Annotated[list[str], typer.Argument(help="One or more students; `bm25` is one too.")],
    split: Split = "test",
    depth: Annotated[int, typer.Option(min=1, help="How deep the rankings go.")] = 100,
    json: Json = False,
) -> None:
    """Rank the passages for every query of a split, and measure the rankings against the qrels."""
    session: Session = context.obj
    store = session.store()
    found: list[Evaluation] = []
    with output.progress(session.reporter) as listen:
        found.extend(evaluate(store, name, split, depth, listen) for name in student)
    session.message = "; ".join(each.in_words for each in found)
    if json:
        return output.as_json(found)
    if not found[0].judged:
        return output.say(session.message)
    header = ("measure", *(each.student for each in found))
    output.table(header, [(name, *(f"{each.measures[name]}" for each in found)) for name in found[0].measures])
    output.note(f"means over {found[0].judged:,} judged queries with 95 % bootstrap intervals")
